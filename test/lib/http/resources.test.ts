import { describe, expect, test } from 'vitest';
import type { CloudName, WorldItem, WorldType } from '../../../lib/domain/world.ts';
import {
  jsonPieces,
  readPage,
  type WorldReading,
  worldAnswer,
} from '../../../lib/http/resources.ts';

const item = (
  cloud: CloudName,
  type: WorldType,
  id: string,
  view: WorldItem['view'] = {},
  more: Partial<WorldItem> = {},
): WorldItem => ({ cloud, type, id, view, version: 1, ...more });

const reading = (more: Partial<WorldReading> = {}): WorldReading => ({
  ...{ items: [], clouds: [], running: [], resetEnabled: false, hasDestination: true },
  ...more,
});

/** The contract's own example, as the table holds it. */
const example = reading({
  clouds: [
    { cloud: 'source', urls: { horizon: '192.168.5.6/horizon' } },
    { cloud: 'destination', urls: { horizon: '192.168.5.7/horizon', mos: '192.168.5.10' } },
  ],
  items: [
    item('source', 'tenant', 't1', { name: 'it', description: 'IT Tenant' }),
    item('source', 'tenant', 't2', { name: 'private' }, { status: 'migration' }),
    item('source', 'server', 's1', {
      ...{ tenant_id: 't1', name: 'server-0', image_id: 'i1', host_name: 'cz5540' },
    }),
    item('source', 'image', 'i1', { name: 'cirros', host_name: 'cz5548' }, { observed: 'error' }),
    item('source', 'host', 'cz5540', { name: 'cz5540' }, { observed: 'available' }),
    item('source', 'host', 'cz5570', {}, { observed: 'blocked', status: 'evacuation' }),
    item('source', 'host', 'cz5571', {}, { observed: 'blocked' }),
    item('destination', 'host', 'cz5560', {}, { observed: 'available' }),
  ],
  running: ['e2', 'e1'],
});

describe('the world', () => {
  test('has the shape of the contract to the letter', () => {
    expect(worldAnswer(example)).toEqual({
      reset: false,
      source: {
        urls: { horizon: '192.168.5.6/horizon' },
        tenants: [
          { id: 't1', description: 'IT Tenant', name: 'it' },
          { id: 't2', description: '', name: 'private', status: 'migration' },
        ],
        resources: [
          {
            ...{ id: 's1', type: 'server', name: 'server-0', image_id: 'i1', tenant_id: 't1' },
            host_name: 'cz5540',
          },
          { id: 'i1', type: 'image', name: 'cirros', host_name: 'cz5548', status: 'error' },
        ],
        hosts: [
          { name: 'cz5540', status: 'available' },
          { name: 'cz5570', status: 'evacuation' },
          { name: 'cz5571', status: 'blocked' },
        ],
      },
      destination: {
        urls: { horizon: '192.168.5.7/horizon', mos: '192.168.5.10' },
        tenants: [],
        resources: [],
        hosts: [{ name: 'cz5560', status: 'available' }],
      },
      hosts: [],
      events: ['e1', 'e2'],
    });
  });

  test('has the keys of an object in the order of the contract', () => {
    const [server] = worldAnswer(example).source.resources;
    expect(Object.keys(server ?? {})).toEqual([
      ...['id', 'type', 'name', 'image_id', 'tenant_id', 'host_name'],
    ]);
  });

  test('has no destination when none is configured', () => {
    expect(worldAnswer(reading({ hasDestination: false }))).not.toHaveProperty('destination');
  });

  test('says when a cloud cannot be listed, beside what was last known of it', () => {
    const clouds = [{ cloud: 'source' as const, urls: {}, error: 'The cloud does not answer' }];
    const { source, destination } = worldAnswer(reading({ ...example, clouds }));
    expect(source.error).toBe('The cloud does not answer');
    expect(source.tenants).toHaveLength(2);
    expect(destination).not.toHaveProperty('error');
  });

  test('is the same however the table lists it', () => {
    const backwards = reading({ ...example, items: [...example.items].reverse() });
    expect(JSON.stringify(worldAnswer(backwards))).toBe(JSON.stringify(worldAnswer(example)));
  });

  test('offers the reset when it is enabled', () => {
    expect(worldAnswer(reading({ resetEnabled: true })).reset).toBe(true);
  });

  test('keeps an id that a view would overwrite', () => {
    const items = [item('source', 'keypair', 'u1:key', { name: 'key', id: 'x', type: 'ssh' })];
    expect(worldAnswer(reading({ items })).source.resources).toEqual([
      { id: 'u1:key', type: 'keypair', name: 'key' },
    ]);
  });
});

describe('a page of the world', () => {
  const objects = ({ source, destination }: ReturnType<typeof worldAnswer>) =>
    [source, destination].flatMap((cloud) =>
      cloud ? [...cloud.tenants, ...cloud.hosts, ...cloud.resources] : [],
    );

  test.each([1, 2, 3, 7, 8, 9, 1000])('of %i objects leads to all of them, each once', (limit) => {
    const seen: object[] = [];
    let marker: string | undefined;
    do {
      const query = { limit: String(limit), ...(marker && { marker }) };
      const page = worldAnswer(example, readPage(query));
      expect(objects(page).length).toBeLessThanOrEqual(limit);
      expect(page).toMatchObject({ reset: false, hosts: [], events: ['e1', 'e2'] });
      seen.push(...objects(page));
      marker = page.next;
    } while (marker);
    const byText = (list: object[]) => list.map((one) => JSON.stringify(one)).sort();
    expect(byText(seen)).toEqual(byText(objects(worldAnswer(example))));
  });

  test('goes on after an object that has gone in the meantime', () => {
    const first = worldAnswer(example, readPage({ limit: '3' }));
    const items = example.items.filter(({ id }) => id !== 'cz5540');
    const marker = first.next ?? '';
    const rest = worldAnswer(reading({ ...example, items }), readPage({ limit: '9', marker }));
    expect(objects(rest)).toHaveLength(5);
  });

  test.each(['0', '-1', '1001', 'x', '1.5', '', '1e2', ' 5'])(
    'of %j objects is refused',
    (limit) => {
      expect(() => readPage({ limit })).toThrow(
        expect.objectContaining({ name: 'InvalidRequest', details: { field: 'limit' } }),
      );
    },
  );

  test.each(['', 'x', 'cz5540', '!!!'])(
    'after a marker that we never gave (%j) is refused',
    (marker) => {
      expect(() => readPage({ limit: '5', marker })).toThrow(
        expect.objectContaining({ name: 'InvalidRequest', details: { field: 'marker' } }),
      );
    },
  );

  test('is the whole world when no limit is given', () => {
    expect(readPage({})).toBeUndefined();
    expect(readPage({ marker: 'whatever' })).toBeUndefined();
  });
});

describe('JSON in pieces', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: `${n}`, 'ä"': [n] }));

  test.each([{}, [], { a: {} }, { a: [], b: [1], c: 'x"y', d: true, e: 1.5 }, 'text', 3, null])(
    'of %j is the same text',
    (value) => {
      expect([...jsonPieces(value)].join('')).toBe(JSON.stringify(value));
    },
  );

  test.each([1, 500, 501, 1000, 1234])(
    'of %i objects is the same text, none of it large',
    (count) => {
      const value = { reset: false, source: { resources: many(count), urls: {} }, events: ['e'] };
      const pieces = [...jsonPieces(value)];
      expect(pieces.join('')).toBe(JSON.stringify(value));
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(50 * 500);
    },
  );
});
