/**
 * The arithmetic of `docs/limits.md`, held against executions of the embedded run over clouds that take
 * no time. All of it is linear: in servers, images, rounds, and attempts.
 */
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStores } from '../../lib/dynamodb/stores.ts';
import { HISTORY_LIMIT } from '../../lib/local/history.ts';
import { PAYLOAD_LIMIT } from '../../lib/local/state-run.ts';
import { systemClock } from '../../lib/runtime.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { beginStory, type Story } from '../support/story.ts';

/** Events of a history, by what makes them. */
const EXECUTION = 2;
const TASK = 5;
const CHOICE = 2;
const MAP = 4;
const ITERATION = 2;
const CHILD = 6;
/** Each further one of a task. */
const ATTEMPT = 3;

interface Sizes {
  servers: number;
  images: number;
}

const migrationEvents = ({ servers, images }: Sizes) =>
  EXECUTION + 3 * TASK + MAP + (ITERATION + TASK) * images + MAP + (ITERATION + CHILD) * servers;

/** `{"operation":"…","done":{},"plan":{"images":["…"],"servers":["…","…"]}}` */
const migrationBytes = ({ servers, images }: Sizes) => 94 + 39 * (servers + images);

let story: Story;

const begin = async (servers: number, options: Parameters<typeof beginStory>[0] = {}) => {
  story = await beginStory({
    simulator: { pace: 0, imageMiB: 1, tenants: 1, servers },
    // A task watches for as long as it takes: no wait becomes an attempt, however busy the machine.
    environment: { WATCH_SECONDS: '900' },
    ...options,
  });
  await story.service.listed;
};

interface Counted {
  name: string;
  status: string;
  events: number;
  bytes: number;
}

const recorded = (machine: string, operation: string): Counted[] => {
  const records = new DatabaseSync(`${story.service.data}/executions.sqlite`, { readOnly: true });
  const found = records
    .prepare(
      `SELECT name, status, events, bytes FROM executions
       WHERE machineArn LIKE '%-' || ? AND name LIKE ? || '%'`,
    )
    .all(machine, operation);
  records.close();
  return found as unknown as Counted[];
};

/** The executions of a machine that belong to an operation, which end after its last event. */
const counted = async (machine: string, operation: string): Promise<Counted[]> => {
  for (;;) {
    const found = recorded(machine, operation);
    if (found.every(({ status }) => status !== 'RUNNING')) return found;
    await systemClock.sleep(20);
  }
};

const countedOne = async (machine: string, operation: string): Promise<Counted> => {
  const [one, ...more] = await counted(machine, operation);
  expect(more).toEqual([]);
  expect(one?.status).toBe('SUCCEEDED');
  return one as Counted;
};

const order = async (method: string, path: string, body?: object) => {
  const answer = await fetch(`${story.service.url}${path}`, {
    ...{ method, headers: { 'content-type': 'application/json' } },
    ...(body && { body: JSON.stringify(body) }),
  });
  const ordered = (await answer.json()) as { id: string };
  expect(answer.status, JSON.stringify(ordered)).toBe(201);
  const events = await story.told(ordered.id);
  expect(events.at(-1)?.data.status, JSON.stringify(events.at(-1)?.data)).toBe('');
  return { id: ordered.id, events };
};

const named = (events: readonly StreamEvent[], ...names: string[]) =>
  events.filter(({ name }) => names.includes(name));

/** Migrates the tenant; what was counted of it, and its size. */
const migrate = async (body: object) => {
  const tenant = await story.largestTenant();
  const { id, events } = await order('POST', `/tenants/${tenant.id}`, body);
  const items = await openStores(story.service.tableName, systemClock).plans.list(id);
  const images = items.filter(({ type }) => type === 'image').length;
  const servers = named(events, 'server migrated').length;
  const machine = await countedOne('migrate-tenant', id);
  return { machine, moves: await counted('migrate-server', id), images, servers };
};

/** `Ensure resources` may take some turns of a minute on a busy machine, and never one for each server. */
const expectTurns = (further: number, servers: number) => {
  expect(further % ATTEMPT).toBe(0);
  expect(further).toBeGreaterThanOrEqual(0);
  expect(further).toBeLessThan(servers);
};

describe('the history of an execution', () => {
  beforeAll(() => begin(12));
  afterAll(() => story.end());

  test('that empties a host has 30 events and 8 a server, whose own has 21 or 26', async () => {
    const { id, events } = await order('POST', '/hosts/rack1-node1');
    const servers = await counted('evacuate-server', id);
    expect(servers.length).toBeGreaterThan(2);
    const round = TASK + CHOICE + MAP + (ITERATION + CHILD) * servers.length;
    const expected = EXECUTION + 2 * TASK + round + (TASK + CHOICE);
    expect(expected).toBe(30 + 8 * servers.length);
    expect((await countedOne('evacuate-host', id)).events).toBe(expected);
    const longer = named(events, 'server woken', 'server cold migrated').map(({ data }) => data.id);
    for (const { name, events } of servers) {
      expect(events, name).toBe(longer.some((server) => name.includes(`${server}`)) ? 26 : 21);
    }
  });

  test('that reassigns a host has 46 events', async () => {
    const { id } = await order('DELETE', '/hosts/rack1-node1');
    expect((await countedOne('reassign-host', id)).events).toBe(46);
  });

  test('that moves a server by its snapshot has 58 events', async () => {
    const { moves, servers } = await migrate({});
    expect(servers).toBe(12);
    expect(moves.map(({ events }) => events)).toEqual(Array(12).fill(58));
  });

  test('that restores simulated clouds has 19 events', async () => {
    const { id } = await order('POST', '/reset');
    expect((await countedOne('reset-clouds', id)).events).toBe(19);
  });
});

describe('the history of a reset by prefix', () => {
  beforeAll(() => begin(1, { resetPrefix: 'demo-', workload: 'workloads: {}' }));
  afterAll(() => story.end());

  test('has 47 events', async () => {
    const { id } = await order('POST', '/reset');
    expect((await countedOne('reset-clouds', id)).events).toBe(47);
  });
});

describe('the migration of a tenant of 200 servers', () => {
  beforeAll(() => begin(200));
  afterAll(() => story.end());

  test('has 8 events a server and 7 an image, and carries 39 bytes for each', async () => {
    // What takes no time of the test: each server is one execution all the same.
    const quickly = { strategy: 'image', quiesce: 'none', finalize: 'manual' };
    const { machine, moves, images, servers } = await migrate(quickly);
    expect(servers).toBe(200);
    expect(images).toBeGreaterThan(0);
    expectTurns(machine.events - migrationEvents({ servers, images }), servers);
    expect(machine.bytes).toBe(migrationBytes({ servers, images }));
    expect(moves.map(({ events }) => events)).toEqual(Array(200).fill(58 - 2 * TASK));
    expect(Math.max(...moves.map(({ bytes }) => bytes))).toBeLessThan(1024);
  }, 600_000);

  test('leaves room for 2,000 servers and 100 images', () => {
    const largest = { servers: 2000, images: 100 };
    const further = 21 * ATTEMPT;
    expect(migrationEvents(largest) + further).toBe(16_788);
    expect(16_788).toBeLessThan(HISTORY_LIMIT);
    expect(migrationBytes(largest)).toBe(81_994);
    expect(81_994).toBeLessThan(PAYLOAD_LIMIT);
  });
});
