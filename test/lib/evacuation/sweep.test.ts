import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { closing } from '../../../lib/closing.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { sweepOperations } from '../../../lib/sweep.ts';
import { type EvacuationBench, evacuationBench, TASKS } from './bench.ts';

let bench: EvacuationBench;

beforeAll(async () => {
  // A machine that dies at its first step: nothing of it is left but the operation.
  bench = await evacuationBench({ tenants: 1, servers: 4 }, {});
});

beforeEach(() => bench.renew());

afterAll(() => bench.close());

/** An evacuation that has blocked its host, and whose machine is dead; its minute has passed. */
const died = async (host: string, body?: object) => {
  const id = await bench.begin(host, body);
  await TASKS.blockHost(bench.runtime, { operation: id });
  const later = new Date(Date.now() + 60_000);
  const runtime: Runtime = {
    ...bench.runtime,
    clock: { ...bench.runtime.clock, now: () => later },
    workflows: { ...bench.runtime.workflows, status: async () => 'failed' },
  };
  await sweepOperations(runtime, closing(runtime));
  return bench.story(id);
};

describe('an evacuation that has died', () => {
  test('is closed with its last event, and the host is enabled again', async () => {
    const { host } = await bench.busyHost(1);
    const { names, end } = await died(host);
    expect(names).toEqual(['host evacuate', 'host block', 'host unblock', 'host evacuated']);
    expect(end.status).toBe('error');
    expect(await bench.service(host)).toMatchObject({ status: 'enabled' });
    expect(await bench.runtime.operations.running()).toEqual([]);
  });

  test('leaves blocked what was blocked before, or was to be kept so', async () => {
    const { host, others } = await bench.busyHost(1);
    const theirs = { status: 'disabled', disabled_reason: 'bad memory' };
    await bench.setService(host, theirs);
    expect((await died(host)).names).not.toContain('host unblock');
    expect(await bench.service(host)).toMatchObject(theirs);
    const [other = ''] = others;
    expect((await died(other, { keep_blocked: true })).names).not.toContain('host unblock');
    expect(await bench.service(other)).toMatchObject({ status: 'disabled' });
  });
});
