import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PumphouseError } from '../../lib/domain/errors.ts';
import type { CloudName, WorldStatus } from '../../lib/domain/world.ts';
import type { Cloud } from '../../lib/ports.ts';
import { record } from '../../lib/record.ts';
import type { WorldListing } from '../../lib/resources/resource-type.ts';
import { type SynchronisePorts, synchroniseWorld } from '../../lib/synchronise.ts';
import { testClock } from '../support/clock.ts';
import { openTable, type TestTable } from '../support/table.ts';

interface Body {
  id: string;
  name: string;
  observed?: WorldStatus;
}

const clock = testClock();
let table: TestTable;
let held: Record<CloudName, Body[]>;
let refusal: Partial<Record<CloudName, PumphouseError>>;
let whileListing: () => Promise<unknown>;

/** A cloud as far as a listing needs one: a token, and what the test puts into `held`. */
const cloud = (name: CloudName) =>
  ({
    name,
    self: async () => {
      if (refusal[name]) throw refusal[name];
      return { userId: 'u', projectId: 'p', roles: ['admin'] };
    },
  }) as Cloud;

const servers: WorldListing<Body> = {
  type: 'server',
  async *list({ name }) {
    const bodies = [...held[name]];
    await whileListing();
    yield* bodies;
  },
  id: ({ id }) => id,
  view: ({ name }) => ({ name }),
  observed: ({ observed }) => observed,
};

const broken: WorldListing<Body> = {
  ...servers,
  type: 'volume',
  // biome-ignore lint/correctness/useYield: it fails before it has anything to yield
  async *list() {
    throw new PumphouseError('CloudUnavailable', 'source volumev3 refuses connections');
  },
};

const ports = (): SynchronisePorts => ({
  clouds: { source: cloud('source'), destination: cloud('destination') },
  world: table.stores.world,
  operations: table.stores.operations,
  clock,
  urls: { source: { horizon: 'https://source.example' } },
});

const synchronise = (listings: readonly WorldListing<Body>[] = [servers]) =>
  synchroniseWorld(ports(), listings);

const world = async () => {
  const { items, clouds } = await table.stores.world.read();
  return { items, clouds, names: items.map(({ cloud, id }) => `${cloud} ${id}`).sort() };
};

const begin = (id: string) =>
  table.stores.operations.begin({
    ...{ id, kind: 'migration', state: 'running', createdAt: clock.now().toISOString() },
    ...{ subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' }, input: {} },
  });

beforeAll(() => {
  held = { source: [], destination: [] };
});

beforeEach(async () => {
  await table?.close();
  table = await openTable(clock);
  held = { source: [{ id: 'web', name: 'web' }], destination: [] };
  refusal = {};
  whileListing = async () => {};
});

afterAll(() => table.close());

describe('synchroniser', () => {
  test('what a cloud holds stands in the world, with the time and the addresses of the cloud', async () => {
    held.destination = [{ id: 'db', name: 'db', observed: 'error' }];
    await synchronise();
    const { items, clouds } = await world();
    expect(items).toEqual([
      expect.objectContaining({ cloud: 'source', id: 'web', view: { name: 'web' } }),
      expect.objectContaining({ cloud: 'destination', id: 'db', observed: 'error' }),
    ]);
    expect(clouds).toContainEqual({
      cloud: 'source',
      urls: { horizon: 'https://source.example' },
      listedAt: clock.now().toISOString(),
    });
  });

  test('what has not changed is not written again', async () => {
    await synchronise();
    const [before] = (await world()).items;
    const reports = await synchronise();
    expect((await world()).items).toEqual([before]);
    expect(reports.map(({ corrected }) => corrected)).toEqual([0, 0]);
  });

  test('a change that somebody else made is brought in', async () => {
    await synchronise();
    held.source = [{ id: 'web', name: 'web-1', observed: 'error' }];
    await synchronise();
    expect((await world()).items[0]).toMatchObject({ view: { name: 'web-1' }, observed: 'error' });
    held.source = [{ id: 'web', name: 'web-1' }];
    await synchronise();
    expect((await world()).items[0]).not.toHaveProperty('observed');
  });

  test('an item is removed when a second listing misses it, not before', async () => {
    await synchronise();
    held.source = [];
    await synchronise();
    expect((await world()).names).toEqual(['source web']);
    await synchronise();
    expect((await world()).names).toEqual([]);
  });

  test('an item that was missed once and is seen again starts anew', async () => {
    await synchronise();
    const [web] = held.source.splice(0);
    await synchronise();
    if (web) held.source.push(web);
    await synchronise();
    held.source = [];
    await synchronise();
    expect((await world()).names).toEqual(['source web']);
  });

  test('an item that was removed and is there again comes back', async () => {
    await synchronise();
    held.source = [];
    await synchronise();
    await synchronise();
    held.source = [{ id: 'web', name: 'web' }];
    await synchronise();
    expect((await world()).names).toEqual(['source web']);
  });

  test('what a running operation has touched is left alone, and corrected once it has ended', async () => {
    await synchronise();
    const operation = await begin('one');
    const migrate = { name: 'server migrate', data: { id: 'web' } } as const;
    await record(table.stores, { operation: 'one', step: 'a', ...migrate });
    held.source = [{ id: 'web', name: 'renamed' }];
    await synchronise();
    expect((await world()).items[0]).toMatchObject({ view: { name: 'web' }, status: 'migration' });
    await table.stores.operations.end(operation, '');
    await synchronise();
    expect((await world()).items[0]).toMatchObject({ view: { name: 'renamed' } });
  });

  test('the status that an operation left behind stays', async () => {
    await synchronise();
    const operation = await begin('one');
    const failed = { name: 'server migration failed', data: { id: 'web' } } as const;
    await record(table.stores, { operation: 'one', step: 'a', ...failed });
    await table.stores.operations.end(operation, 'error');
    held.source = [{ id: 'web', name: 'renamed' }];
    await synchronise();
    expect((await world()).items[0]).toMatchObject({ view: { name: 'renamed' }, status: 'error' });
  });

  test('what an operation does while a cloud is being listed wins over the listing', async () => {
    await synchronise();
    whileListing = async () => {
      const operation = await begin('one');
      const terminate = { name: 'server terminate', data: { id: 'web' } } as const;
      const boot = {
        name: 'server boot',
        data: { id: 'web', name: 'moved', cloud: 'destination' },
      } as const;
      await record(table.stores, { operation: 'one', step: 'a', ...terminate });
      await record(table.stores, { operation: 'one', step: 'b', ...boot });
      await table.stores.operations.end(operation, '');
    };
    held.source = [{ id: 'web', name: 'stale' }];
    held.destination = [{ id: 'web', name: 'stale' }];
    await synchronise();
    const { items } = await world();
    expect(items.map(({ cloud, view }) => ({ cloud, view }))).toEqual([
      { cloud: 'destination', view: { name: 'moved' } },
    ]);
  });

  test('a cloud that lets nobody in keeps its items and its time, and says why', async () => {
    await synchronise();
    const listedAt = clock.now().toISOString();
    clock.advance(60);
    refusal.source = new PumphouseError('CloudUnavailable', 'source identity refuses connections');
    for (let run = 0; run < 3; run += 1) await synchronise();
    const { clouds, names } = await world();
    expect(names).toEqual(['source web']);
    expect(clouds).toContainEqual(
      expect.objectContaining({
        cloud: 'source',
        listedAt,
        error: 'source identity refuses connections',
      }),
    );
    expect(clouds).toContainEqual(
      expect.objectContaining({ cloud: 'destination', listedAt: clock.now().toISOString() }),
    );
  });

  test('a type that cannot be listed keeps its items, the others are synchronised', async () => {
    await synchronise([servers, { ...servers, type: 'volume' }]);
    held.source = [{ id: 'web', name: 'renamed' }];
    const [source] = await synchronise([servers, broken]);
    const { items } = await world();
    expect(items.map(({ type, view }) => [type, view.name])).toEqual([
      ['server', 'renamed'],
      ['volume', 'web'],
    ]);
    expect(source?.error).toBe('source volumev3 refuses connections');
  });

  test('two runs at once leave the world of one', async () => {
    held.source = Array.from({ length: 50 }, (_, n) => ({ id: `s${n}`, name: `s${n}` }));
    await Promise.all([synchronise(), synchronise()]);
    expect((await world()).names).toHaveLength(50);
    held.source = [];
    await Promise.all([synchronise(), synchronise()]);
    await synchronise();
    expect((await world()).names).toEqual([]);
  });

  test('without a destination the source alone is listed', async () => {
    const { clouds, ...rest } = ports();
    await synchroniseWorld({ ...rest, clouds: { source: clouds.source } }, [servers]);
    expect((await world()).clouds.map(({ cloud }) => cloud)).toEqual(['source']);
  });
});
