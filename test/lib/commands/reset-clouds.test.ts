import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resetClouds } from '../../../lib/commands/reset-clouds.ts';
import { record } from '../../../lib/record.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { failReset } from '../../../stepfunctions/reset-clouds/tasks/fail-reset.ts';
import { finishReset } from '../../../stepfunctions/reset-clouds/tasks/finish-reset.ts';
import { planReset } from '../../../stepfunctions/reset-clouds/tasks/plan-reset.ts';
import { restoreClouds } from '../../../stepfunctions/reset-clouds/tasks/restore-clouds.ts';
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

/** Begins a reset and takes the steps of its machine. */
const reset = async (runtime = bench.runtime) => {
  const { id = '' } = await resetClouds(runtime);
  const input = { operation: id };
  await planReset(runtime, input);
  await restoreClouds(runtime, input).then(
    () => finishReset(runtime, input),
    (error: Error) => failReset(runtime, { ...input, failure: { Cause: error.message } }),
  );
  return id;
};

describe('POST /reset', () => {
  test('is not there where it is not enabled', async () => {
    const runtime = withConfig({ resetEnabled: false });
    await expect(resetClouds(runtime)).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });

  test('is refused while anything runs, and the answer names it', async () => {
    const operation = await begin('one');
    await expect(resetClouds(bench.runtime)).rejects.toMatchObject({
      name: 'OperationInProgress',
      details: { operation: 'one', events: '/events/one' },
    });
    await bench.runtime.operations.end(operation, '');
  });

  test.each([
    [{ force: true }, { fields: ['force'] }],
    [{ dry_run: 'yes' }, { field: 'dry_run' }],
    [['dry_run'], { field: 'body' }],
  ])('takes dry_run alone: %j is refused', async (body, details) => {
    const refused = resetClouds(bench.runtime, { body });
    await expect(refused).rejects.toMatchObject({ name: 'InvalidRequest', details });
  });

  test.each(['admin', 'memb', 'serv', 'defa', 'nova', 'read'])(
    'refuses the prefix %s, which the cloud cannot do without',
    async (resetPrefix) => {
      const refused = resetClouds(withConfig({ resetPrefix }));
      await expect(refused).rejects.toMatchObject({ details: { unprocessable: true } });
      expect(await bench.runtime.operations.running()).toEqual([]);
    },
  );

  test('refuses a workload that cannot be read, naming what is wrong', async () => {
    const wrong = { resetPrefix: 'demo-', workload: 'workloads: { tenants: [{ nam: shop }] }' };
    await expect(resetClouds(withConfig(wrong))).rejects.toMatchObject({
      ...{ name: 'InvalidRequest', message: /tenants\[0\]/ },
    });
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

    const id = await reset();
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
    await failReset(bench.runtime, { operation: String(first.id), failure: { Cause: 'enough' } });
  });

  test('says in a dry run that all of a simulated cloud is brought back', async () => {
    const { id, answer } = await resetClouds(bench.runtime, { body: { dry_run: true } });
    expect(id).toBeUndefined();
    expect(answer).toMatchObject({ dry_run: true, restores: expect.stringContaining('seeded') });
    expect(await bench.runtime.operations.running()).toEqual([]);
  });

  test('a simulator that does not answer ends it with an error for each cloud', async () => {
    const id = await reset(withConfig({ simulatorUrl: 'http://127.0.0.1:1' }));
    expect((await bench.runtime.events.read(id, 1)).map(({ data }) => data)).toMatchObject([
      { cloud: 'source', status: 'error', reason: 'The simulated clouds do not answer' },
      { cloud: 'destination', status: 'error' },
    ]);
    expect(await bench.runtime.operations.get(id)).toMatchObject({ status: 'error' });
  });
});

describe('the steps of a reset', () => {
  test('refuse once it is not enabled any more, or for another prefix than it was begun with', async () => {
    const { id = '' } = await resetClouds(withConfig({ resetPrefix: 'demo-' }));
    const off = withConfig({ resetPrefix: 'demo-', resetEnabled: false });
    await expect(planReset(off, { operation: id })).rejects.toThrow(/not enabled/);
    for (const runtime of [bench.runtime, withConfig({ resetPrefix: 'other-' })]) {
      await expect(planReset(runtime, { operation: id })).rejects.toThrow(/demo-/);
    }
    await failReset(bench.runtime, { operation: id, failure: { Cause: 'refused' } });
  });

  test('refuse to begin beside something that was begun in the same moment', async () => {
    const { id = '' } = await resetClouds(bench.runtime);
    const operation = await begin('three');
    await expect(planReset(bench.runtime, { operation: id })).rejects.toMatchObject({
      name: 'OperationInProgress',
    });
    await bench.runtime.operations.end(operation, '');
    await failReset(bench.runtime, { operation: id, failure: { Cause: 'refused' } });
  });
});
