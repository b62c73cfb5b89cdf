/** `docs/table.md` against an engine: its queries find what it says, and its items are as it describes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from '../../../lib/domain/operation.ts';
import type { PlanItem } from '../../../lib/domain/plan.ts';
import type { Schedule } from '../../../lib/domain/schedule.ts';
import { SCHEMA } from '../../../lib/dynamodb/table.ts';
import { beginOperation, endOperation } from '../../../lib/operations.ts';
import { record } from '../../../lib/record.ts';
import { testClock } from '../../support/clock.ts';
import { consoleQueries } from '../../support/console-query.ts';
import { openTable, type TestTable } from '../../support/table.ts';

type Row = Record<string, unknown>;

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../docs/table.md'), 'utf8');

/** As they stand in the document. */
const TENANT = '8c2b1f0e7d5a4c3b9a6f';
const MIGRATION = '3f9d2c81-6a54-4f0b-8e17-5b2d90c4a7e6';

const clock = testClock('2026-11-22T08:00:00.000Z');
let table: TestTable;

const ports = () => ({
  ...table.stores,
  workflows: { start: async () => {}, status: async () => 'running' as const },
});

const begin = (id: string, change: Partial<Operation> = {}) =>
  beginOperation(ports(), {
    ...{ id, kind: 'migration', state: 'running', createdAt: clock.now().toISOString() },
    subject: { type: 'tenant', cloud: 'source', id: `tenant of ${id}`, name: 'acme' },
    input: { strategy: 'snapshot' },
    ...change,
  });

const onHost = (id: string): Partial<Operation> => ({
  kind: 'reassignment',
  subject: { type: 'host', cloud: 'source', id, name: id },
  input: { name: id, options: {} },
});

const fillWorld = async () => {
  const { world } = table.stores;
  for (const cloud of ['source', 'destination'] as const) {
    const listedAt = clock.now().toISOString();
    await world.putCloud({ cloud, urls: { horizon: 'https://clouds.example/' }, listedAt });
    const host = { cloud, type: 'host' as const, view: { name: `${cloud}-1` } };
    await world.observe({ ...host, id: `${cloud}-1`, observed: 'blocked' }, undefined);
    for (const number of [2, 3]) {
      await world.observe({ ...host, id: `${cloud}-${number}` }, undefined);
    }
  }
  await world.putCloud({ cloud: 'destination', urls: {}, error: 'it did not answer' });
  for (const id of ['web', 'db', 'other', 'late']) {
    const tenant_id = id === 'other' ? 'another' : TENANT;
    const key = { cloud: 'source', type: 'server', id } as const;
    await world.observe({ ...key, view: { name: id, tenant_id } }, undefined);
  }
  const key = { cloud: 'source', type: 'network', id: 'lan' } as const;
  await world.observe({ ...key, view: { name: 'lan', tenant_id: TENANT } }, undefined);
  for (const id of ['source-2', 'late']) {
    const type = id === 'late' ? 'server' : 'host';
    for (const _listing of id === 'late' ? [1] : [1, 2]) {
      const seen = await world.get({ cloud: 'source', type, id });
      if (seen) await world.miss(seen);
    }
  }
};

const item = (id: string, change: Partial<PlanItem> = {}): PlanItem => ({
  ...{ operation: MIGRATION, type: 'network', id, label: 'lan', action: 'create', wave: 1 },
  ...{ needs: [{ type: 'tenant', id: TENANT }], state: 'planned', intents: {}, notes: {} },
  ...change,
});

const fillMigration = async () => {
  const { operations, plans } = table.stores;
  await begin(MIGRATION, {
    subject: { type: 'tenant', cloud: 'source', id: TENANT, name: 'acme' },
  });
  await plans.put([item('b7e1'), item('c8f2', { type: 'subnet' })]);
  await plans.intend(item('b7e1'), 'create');
  await plans.update(item('b7e1'), { state: 'ready', destinationId: 'd1', notes: { done: true } });
  await plans.update(item('c8f2', { type: 'subnet' }), { state: 'failed', reason: 'no room' });
  await plans.remember({ type: 'network', id: 'b7e1' }, 'd1', MIGRATION);
  const told = [
    ['server migrate', { id: 'web' }],
    ['server migration failed', { id: 'web', reason: 'the disk is too large' }],
    ['server migrate', { id: 'db' }],
  ] as const;
  for (const [name, data] of told) {
    await record(table.stores, { operation: MIGRATION, step: `${name} ${data.id}`, name, data });
  }
  await operations.lock(MIGRATION, 'server#source#web');
  await operations.lock(`${MIGRATION}/web`, 'keypair#destination#laptop');
  await operations.cancel(MIGRATION);
};

const fillOperations = async () => {
  await begin('failed yesterday');
  await endOperation(ports(), 'failed yesterday', 'error', 'yesterday');
  await record(table.stores, {
    ...{ operation: 'reassigned yesterday', step: 'end', name: 'host reassigned', last: true },
    data: { id: 'source-3', new_id: '', status: 'error', reason: 'it does not start' },
  });
  clock.advance(24 * 3600);
  await begin('failed today');
  await endOperation(ports(), 'failed today', 'error', 'today');
  clock.advance(60);
  await begin('went well');
  await endOperation(ports(), 'went well', '');
  clock.advance(60);
  for (const id of ['waits', 'went on']) {
    await begin(id, onHost(`host of ${id}`));
    await table.stores.operations.pause({ id }, 'install');
  }
  await table.stores.operations.proceed('went on', 'install');
  await record(table.stores, {
    ...{ operation: 'evacuated', step: 'end', name: 'host evacuated', last: true },
    data: { id: 'source-1', status: 'error', reason: 'no room' },
  });
  clock.advance(60);
};

const schedule = (id: string): Schedule => ({
  ...{ id, host: 'source-1', timing: { cron: '0 3 ? * SUN *', timeZone: 'Europe/Berlin' } },
  ...{ windowSeconds: 3600, missed: 'report', input: {}, createdAt: clock.now().toISOString() },
  next: '2026-11-29T02:00:00.000Z',
});

const fillSchedules = async () => {
  const { timetable } = table.stores;
  const [due, reason] = ['2026-11-29T02:00:00.000Z', 'the cloud does not answer'];
  for (const id of ['weekly', 'over']) await timetable.add(schedule(id));
  await timetable.arm('weekly');
  await timetable.postpone('weekly', { due, reason });
  await timetable.serve('over', { due, operation: 'went well' });
};

const client = () => DynamoDBDocumentClient.from(new DynamoDBClient({}));

const rows = async (title: string): Promise<Row[]> => {
  const query = consoleQueries(DOCUMENT, table.name).find((one) => one.title === title);
  if (!query) throw new Error(`docs/table.md has no query under ${title}`);
  const { Items = [] } = await client().send(new QueryCommand(query.input));
  return Items;
};
const column = async (title: string, name: string) => (await rows(title)).map((row) => row[name]);

beforeAll(async () => {
  table = await openTable(clock);
  await fillWorld();
  await fillOperations();
  await fillMigration();
  await fillSchedules();
});

afterAll(() => table.close());

const EXPECTED: [title: string, attribute: string, values: unknown[]][] = [
  ['All hosts of a cloud', 'id', ['source-1', 'source-3']],
  ['The servers of a tenant', 'id', ['db', 'late', 'web']],
  ['Clouds, and when each was last listed', 'cloud', ['destination', 'source']],
  ['Running operations', 'id', ['waits', 'went on', MIGRATION]],
  ['All operations, newest first', 'id', [MIGRATION, 'went on', 'waits']],
  ['Operations that wait for a person', 'waiting', ['install']],
  [
    "An operation's events since a number",
    'name',
    ['server migrate', 'server migration failed', 'server migrate'],
  ],
  ["An operation's plan", 'label', ['lan', 'lan']],
  ['Failed operations of a day', 'reason', ['today']],
  ['Failures of a day', 'name', ['tenant migrated', 'host evacuated', 'server migration failed']],
  ['Schedules', 'id', ['over', 'weekly']],
  ['Locks', 'operation', [`${MIGRATION}/web`, MIGRATION]],
  ['What Pumphouse made for an object', 'destinationId', ['d1']],
];

describe('a console finds by one query', () => {
  test.each(EXPECTED)('%s', async (title, attribute, values) => {
    expect(await column(title, attribute)).toEqual(values);
  });

  test('all that the document promises, and no more', () => {
    const titles = consoleQueries(DOCUMENT, table.name).map(({ title }) => title);
    expect(titles).toEqual(EXPECTED.map(([title]) => title));
  });
});

/** The attributes that the document gives each kind of item, by the beginning of its `pk`. */
const described = (): Map<string, Set<string>> => {
  const named = (text: string) => Array.from(text.matchAll(/`(\w+)`/g), ([, name = '']) => name);
  const sections = DOCUMENT.split('\n### ').map((text) => ({
    kind: text.split('\n', 1)[0] ?? '',
    attributes: Array.from(text.matchAll(/^\| (`[^|]+`) \|/gm), ([, cell = '']) => named(cell)),
  }));
  const kinds = Array.from(DOCUMENT.matchAll(/^\| ([a-z][\w ]+) \| `(\w+)/gm));
  return new Map(
    kinds.map(([, kind = '', pk = '']) => {
      const ofKind = kind === 'running operation' ? 'operation' : kind;
      const section = sections.find((one) => one.kind === ofKind);
      return [pk, new Set(section?.attributes.flat())];
    }),
  );
};

const everyItem = async (): Promise<Row[]> => {
  const found: Row[] = [];
  const pages = paginateScan({ client: client() }, { TableName: table.name });
  for await (const { Items = [] } of pages) found.push(...Items);
  return found;
};

const kindOf = ({ pk }: Row) => String(pk).split('#', 1)[0] ?? '';

describe('an item', () => {
  test('carries the version of its shape', async () => {
    for (const { pk, v } of await everyItem()) expect(v, String(pk)).toBe(SCHEMA);
    expect(DOCUMENT).toContain(`the version of its shape: ${SCHEMA} today`);
  });

  test('of each kind is described, and has what is described and nothing else', async () => {
    const kinds = described();
    expect(kinds.size).toBe(9);
    const found = new Map<string, Set<string>>();
    for (const item of await everyItem()) {
      const seen = found.get(kindOf(item)) ?? new Set();
      for (const name of Object.keys(item)) if (!/^[ps]k$/.test(name)) seen.add(name);
      found.set(kindOf(item), seen);
    }
    expect([...found.keys()].sort()).toEqual([...kinds.keys()].sort());
    for (const [pk, attributes] of found) {
      const said = kinds.get(pk) ?? new Set();
      // What has come since the beginning of a running one stands in the operation.
      if (pk === 'running') expect([...said]).toEqual(expect.arrayContaining([...attributes]));
      else expect([...attributes].sort(), pk).toEqual([...said].sort());
    }
  });
});
