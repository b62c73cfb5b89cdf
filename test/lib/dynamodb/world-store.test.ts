import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { EventName, PumphouseEvent } from '../../../lib/domain/event.ts';
import type { CloudName, WorldKey } from '../../../lib/domain/world.ts';
import type { WorldStore } from '../../../lib/ports.ts';
import { testClock } from '../../support/clock.ts';
import { openTable, type TestTable } from '../../support/table.ts';

let clock = testClock();
let table: TestTable;
let world: WorldStore;

const event = (number: number, name: EventName, data: object, operation = 'op-1') =>
  ({
    ...{ operation, number, name, data, at: clock.now().toISOString(), step: `${number}` },
  }) as PumphouseEvent;

const server = (id: string, cloud: CloudName = 'source'): WorldKey => ({
  ...{ cloud, type: 'server', id },
});
const observe = async (key: WorldKey, view = {}) =>
  world.observe({ ...key, view: { name: key.id, ...view } }, await world.get(key));
const boot = (number: number, operation?: string) =>
  event(number, 'server boot', { id: 'new', cloud: 'destination', name: 'web' }, operation);

beforeEach(async () => {
  await table?.close();
  clock = testClock();
  table = await openTable(clock);
  world = table.stores.world;
});

afterAll(() => table.close());

describe('the world', () => {
  test('follows an event, and a repeat of it changes nothing', async () => {
    await world.apply(boot(3));
    const after = await world.get(server('new', 'destination'));
    expect(after).toMatchObject({ view: { name: 'web' }, status: 'migration', operation: 'op-1' });
    await world.apply(boot(3));
    expect(await world.get(server('new', 'destination'))).toEqual(after);
  });

  test('is not set back by a late repeat of an old event', async () => {
    await world.apply(boot(3));
    const migrated = { source_id: 'old', destination_id: 'new' };
    await world.apply(event(5, 'server migrated', migrated));
    await world.apply(boot(3));
    expect((await world.get(server('new', 'destination')))?.status).toBeUndefined();
  });

  test('takes an older number of another operation', async () => {
    await observe(server('a'));
    await world.apply(event(9, 'server migrate', { id: 'a' }, 'op-1'));
    await world.apply(event(10, 'server migration failed', { id: 'a' }, 'op-1'));
    await world.apply(event(2, 'server migrate', { id: 'a' }, 'op-2'));
    expect(await world.get(server('a'))).toMatchObject({ status: 'migration', operation: 'op-2' });
  });

  test('keeps what was removed dead, however late the event that made it is repeated', async () => {
    await world.apply(boot(3));
    const gone = { id: 'new', cloud: 'destination' };
    await world.apply(event(6, 'server terminate', gone));
    await world.apply(boot(3));
    expect(await world.get(server('new', 'destination'))).toBeUndefined();
    expect(await world.list('destination', 'server')).toEqual([]);
    expect(await world.remembered('destination', 'server')).toMatchObject([
      { id: 'new', gone: true },
    ]);
  });

  test('does not make an object out of a status', async () => {
    await world.apply(event(1, 'server migrate', { id: 'unknown' }));
    expect(await world.get(server('unknown'))).toBeUndefined();
  });

  test('loses no change when many operations touch one object at once', async () => {
    await observe(server('a'));
    const operations = Array.from({ length: 10 }, (_, n) => `op-${n}`);
    await Promise.all(
      operations.map((id) => world.apply(event(1, 'server migrate', { id: 'a' }, id))),
    );
    expect((await world.get(server('a')))?.version).toBe(11);
  });

  test('is read whole, with the state of both clouds', async () => {
    await observe(server('a'));
    await observe({ cloud: 'destination', type: 'host', id: 'h1' });
    await world.putCloud({ cloud: 'source', urls: { horizon: 'x' }, error: 'It does not answer' });
    const { items, clouds } = await world.read();
    expect(items.map(({ type, id }) => `${type} ${id}`).sort()).toEqual(['host h1', 'server a']);
    expect(clouds).toEqual([
      { cloud: 'source', urls: { horizon: 'x' }, error: 'It does not answer' },
    ]);
  });

  test('is larger than one page of the database', async () => {
    const text = 'y'.repeat(100_000);
    const names = Array.from({ length: 15 }, (_, n) => `s${String(n).padStart(2, '0')}`);
    await Promise.all(names.map((id) => observe(server(id), { text })));
    expect((await world.list('source', 'server')).map(({ id }) => id)).toEqual(names);
  });
});

describe('an observation', () => {
  test('brings in what is new and what has changed', async () => {
    await observe(server('a'), { host_name: 'h1' });
    await observe(server('a'), { host_name: 'h2' });
    expect(await world.list('source', 'server')).toMatchObject([{ view: { host_name: 'h2' } }]);
  });

  test('leaves the status alone that an operation has given', async () => {
    await observe(server('a'));
    await world.apply(event(1, 'server migrate', { id: 'a' }));
    await observe(server('a'), { host_name: 'h2' });
    expect(await world.get(server('a'))).toMatchObject({
      ...{ status: 'migration', view: { host_name: 'h2' } },
    });
  });

  test('made before an event does not undo the event', async () => {
    await observe(server('a'));
    const seen = await world.get(server('a'));
    await world.apply(event(1, 'server terminate', { id: 'a' }));
    await world.observe({ ...server('a'), view: { name: 'a' } }, seen);
    expect(await world.get(server('a'))).toBeUndefined();
  });

  test('of what others have made in the meantime is left to the next listing', async () => {
    await observe(server('a'), { host_name: 'h1' });
    await world.observe({ ...server('a'), view: { name: 'stale' } }, undefined);
    expect((await world.get(server('a')))?.view).toMatchObject({ host_name: 'h1' });
  });

  test('brings back what was removed and is there again', async () => {
    await world.apply(boot(3));
    await world.apply(event(6, 'server terminate', { id: 'new', cloud: 'destination' }));
    const [tombstone] = await world.remembered('destination', 'server');
    await world.observe({ ...server('new', 'destination'), view: { name: 'web' } }, tombstone);
    expect((await world.get(server('new', 'destination')))?.status).toBeUndefined();
    expect(await world.list('destination', 'server')).toMatchObject([{ id: 'new' }]);
  });

  test('brings back what was removed so long ago that it is forgotten', async () => {
    await world.apply(boot(3));
    await world.apply(event(6, 'server terminate', { id: 'new', cloud: 'destination' }));
    clock.advance(3 * 86_400);
    expect(await world.remembered('destination', 'server')).toEqual([]);
    await world.observe({ ...server('new', 'destination'), view: { name: 'web' } }, undefined);
    expect(await world.list('destination', 'server')).toMatchObject([{ id: 'new' }]);
  });
});

describe('an object that a listing misses', () => {
  const miss = async () => {
    const seen = await world.get(server('a'));
    if (seen) await world.miss(seen);
  };

  test('is marked the first time and removed the second', async () => {
    await observe(server('a'));
    await miss();
    expect(await world.get(server('a'))).toMatchObject({ missed: true });
    await miss();
    expect(await world.get(server('a'))).toBeUndefined();
  });

  test('and the next one sees is no longer marked', async () => {
    await observe(server('a'));
    await miss();
    await observe(server('a'));
    await miss();
    expect(await world.get(server('a'))).toMatchObject({ missed: true });
  });

  test('is left alone when an event has touched it since', async () => {
    await observe(server('a'));
    await miss();
    const seen = await world.get(server('a'));
    await world.apply(event(1, 'server migrate', { id: 'a' }));
    if (seen) await world.miss(seen);
    expect(await world.get(server('a'))).toMatchObject({ status: 'migration' });
  });
});
