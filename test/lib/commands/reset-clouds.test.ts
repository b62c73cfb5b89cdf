import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resetClouds } from '../../../lib/commands/reset-clouds.ts';
import { record } from '../../../lib/record.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

let bench: SimulatedRuntime;

const begin = (id: string) =>
  bench.runtime.operations.begin({
    ...{ id, kind: 'migration', state: 'running', createdAt: new Date().toISOString() },
    ...{ subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' }, input: {} },
  });

/**
 * The world as `GET /resources` would show it. Neutron makes a tenant's default group when somebody
 * first looks for one, so its id is another each time.
 */
const world = async () => {
  const { items } = await bench.runtime.world.read();
  return items
    .map(({ cloud, type, id, view, status, observed }) => ({
      ...{ cloud, type, view, status: status ?? observed },
      id: type === 'secgroup' && view.name === 'default' ? `default of ${view.tenant_id}` : id,
    }))
    .sort((a, b) => `${a.cloud}${a.type}${a.id}`.localeCompare(`${b.cloud}${b.type}${b.id}`));
};

beforeAll(async () => {
  bench = await openSimulatedRuntime({}, { RESET_ENABLED: 'true' }, { servers: 8, imageMib: 1 });
});

afterAll(() => bench.close());

const withConfig = (change: Partial<Runtime['config']>): Runtime => ({
  ...bench.runtime,
  config: { ...bench.runtime.config, ...change },
});

describe('POST /reset', () => {
  test('is not there where it is not enabled, nor with real clouds', async () => {
    const { simulatorUrl: _url, ...real } = bench.runtime.config;
    for (const runtime of [
      withConfig({ resetEnabled: false }),
      { ...bench.runtime, config: real },
    ]) {
      await expect(resetClouds(runtime)).rejects.toMatchObject({ name: 'ResourceNotFound' });
    }
  });

  test('is refused while anything runs, and the answer names it', async () => {
    const operation = await begin('one');
    await expect(resetClouds(bench.runtime)).rejects.toMatchObject({
      name: 'OperationInProgress',
      details: { operation: 'one', events: '/events/one' },
    });
    await bench.runtime.operations.end(operation, '');
  });

  test('brings back the seeded world: what moved, what failed and what came', async () => {
    await bench.synchronise();
    const seeded = await world();
    const [server, other] = seeded.filter(
      ({ type, cloud }) => type === 'server' && cloud === 'source',
    );
    const { source, destination } = await bench.runtime.clouds();
    const operation = await begin('two');
    const tell = (
      step: string,
      name: 'server terminate' | 'server boot' | 'server migration failed',
      data: object,
    ) => record(bench.runtime, { operation: 'two', step, name, data: { ...data } });
    await source.delete('compute', `/servers/${server?.id}`);
    await tell('a', 'server terminate', { id: server?.id, cloud: 'source' });
    await tell('b', 'server boot', { id: 'new', cloud: 'destination', name: 'moved' });
    await tell('c', 'server migration failed', { id: other?.id });
    const network = { network: { name: 'left behind' } };
    await destination?.post('network', '/v2.0/networks', network);
    await bench.runtime.operations.end(operation, 'error');
    await bench.synchronise();
    expect(await world()).not.toEqual(seeded);

    const { id, answer } = await resetClouds(bench.runtime);
    expect(answer).toMatchObject({ id, kind: 'reset', state: 'ended', status: '' });
    expect(await world()).toEqual(seeded);
    expect(await bench.runtime.events.read(id, 0)).toMatchObject([
      { name: 'reset start', data: {} },
      { name: 'reset completed', data: { cloud: 'source', status: '' } },
      { name: 'reset completed', data: { cloud: 'destination', status: '' }, last: true },
    ]);
    expect(await bench.runtime.operations.running()).toEqual([]);
  });

  test('the same key answers the same reset', async () => {
    const first = await resetClouds(bench.runtime, { idempotencyKey: 'k' });
    expect(await resetClouds(bench.runtime, { idempotencyKey: 'k' })).toEqual(first);
  });

  test('a simulator that does not answer ends it with an error for each cloud', async () => {
    const { id, answer } = await resetClouds(withConfig({ simulatorUrl: 'http://127.0.0.1:1' }));
    expect(answer).toMatchObject({ state: 'ended', status: 'error' });
    expect((await bench.runtime.events.read(id, 1)).map(({ data }) => data)).toMatchObject([
      { cloud: 'source', status: 'error' },
      { cloud: 'destination', status: 'error' },
    ]);
  });
});
