import { afterAll, beforeAll, expect, test } from 'vitest';
import { closing } from '../../../lib/closing.ts';
import { reassignHost } from '../../../lib/commands/reassign-host.ts';
import { computeServices } from '../../../lib/resources/host.ts';
import { all } from '../../../lib/resources/resource-type.ts';
import { closeDead } from '../../../lib/sweep.ts';
import { powerOffHost } from '../../../stepfunctions/reassign-host/tasks/power-off-host.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

let bench: SimulatedRuntime;

beforeAll(async () => {
  // Without its machine: nothing of it is left but the operation, as when AWS has ended it.
  bench = await openSimulatedRuntime({}, { PROVISIONER: 'ironic' }, { tenants: 1, servers: 0 });
});

afterAll(() => bench.close());

test('a reassignment whose execution has died is undone at once: its host is powered on again', async () => {
  const { runtime } = bench;
  const { source, destination } = await runtime.clouds();
  const [service] = await all(computeServices(source));
  const host = String(service?.host);
  await source.put('compute', `/os-services/${service?.id}`, { status: 'disabled' });
  const power = async () =>
    (await destination?.get<{ power_state: string }>('baremetal', `/v1/nodes/${host}`))
      ?.power_state;
  expect(await power()).toBe('power on');
  const { id } = await reassignHost(runtime, { hostId: host, body: undefined });
  await powerOffHost(runtime, { operation: id, execution: id });
  expect(await power()).toBe('power off');

  const dead = { operation: id, name: id };
  expect(await closeDead(runtime, dead, closing(runtime))).toBe('closed');
  expect(await closeDead(runtime, dead, closing(runtime))).toBe('left');
  expect(await power()).toBe('power on');
  const events = await runtime.events.read(id, 0);
  expect(events.at(-1)).toMatchObject({
    ...{ name: 'host reassigned', last: true },
    data: { status: 'error', reason: expect.stringContaining('workflow ended') },
  });
  expect(await runtime.operations.running()).toEqual([]);
});
