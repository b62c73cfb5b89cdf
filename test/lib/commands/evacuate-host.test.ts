import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evacuateHost as command } from '../../../lib/commands/evacuate-host.ts';
import { evacuationInput } from '../../../lib/commands/evacuation-input.ts';
import type { Cloud } from '../../../lib/ports.ts';
import { type ComputeService, computeServices } from '../../../lib/resources/host.ts';
import { all } from '../../../lib/resources/resource-type.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

let bench: SimulatedRuntime;
let source: Cloud;
let hosts: ComputeService[];

const blockers: (() => void)[] = [];
/** Holds the machine at its first task, so that the evacuation is still running when it is looked at. */
const blockHost = () => new Promise((resolve) => blockers.push(() => resolve({})));

const set = ({ id }: ComputeService, change: object) =>
  source.put('compute', `/os-services/${id}`, change);

/** What the handler does with a request. */
const evacuateHost = async (
  runtime: Runtime,
  { body, ...request }: { hostId: string; body?: unknown; idempotencyKey?: string },
) => command(runtime, { ...request, input: evacuationInput(body).input });

beforeAll(async () => {
  bench = await openSimulatedRuntime({ blockHost }, {}, { servers: 4, imageMib: 1 });
  ({ source } = await bench.runtime.clouds());
  hosts = await all(computeServices(source));
});

afterAll(() => bench.close());

const hostAt = (index: number) => {
  const found = hosts[index];
  if (!found) throw new Error(`The simulated source has no host ${index}`);
  return found;
};

describe('POST /hosts/{host_id}', () => {
  test('a host that the source does not have is not found, a part of a name neither', async () => {
    const part = hostAt(0).host.slice(0, -1);
    for (const hostId of ['nowhere', part]) {
      await expect(evacuateHost(bench.runtime, { hostId })).rejects.toMatchObject({
        name: 'ResourceNotFound',
      });
    }
  });

  test('the last enabled host is refused, one that was already blocked is not counted', async () => {
    const others = hosts.slice(1);
    for (const other of others) await set(other, { status: 'disabled' });
    await expect(evacuateHost(bench.runtime, { hostId: hostAt(0).host })).rejects.toMatchObject({
      name: 'ResourceConflict',
      message: expect.stringContaining('last'),
    });
    for (const other of others) await set(other, { status: 'enabled' });
  });

  test('a host that is down is refused, and the answer says what Nova has for it', async () => {
    await set(hostAt(1), { forced_down: true });
    await expect(evacuateHost(bench.runtime, { hostId: hostAt(1).host })).rejects.toMatchObject({
      name: 'ResourceConflict',
      message: expect.stringContaining('nova host-evacuate'),
    });
    await set(hostAt(1), { forced_down: false });
  });

  test('a host whose servers fit nowhere else is refused, naming them', async () => {
    const { host } = hostAt(0);
    const path = '/allocation_candidates';
    const none = { allocation_requests: [], provider_summaries: {} };
    await bench.fault({ method: 'GET', path }, { status: 200, body: none });
    await expect(evacuateHost(bench.runtime, { hostId: host })).rejects.toMatchObject({
      name: 'PlanBlocked',
      details: { blocks: [{ kind: 'room', reason: expect.stringContaining('No other host') }] },
    });
    await bench.reset();
  });

  test('another request under the same Idempotency-Key is refused', async () => {
    const request = { hostId: hostAt(1).host, idempotencyKey: 'twice' };
    const { id } = await evacuateHost(bench.runtime, request);
    const other = { ...request, body: { parallel: 2 } };
    await expect(evacuateHost(bench.runtime, other)).rejects.toMatchObject({
      ...{ name: 'InvalidRequest', details: { unprocessable: true } },
    });
    const begun = await bench.runtime.operations.get(id);
    if (begun) await bench.runtime.operations.end(begun, '');
  });

  test('what was refused left nothing behind', async () => {
    expect(await bench.runtime.operations.running()).toEqual([]);
  });

  test('an evacuation that began is told by its id and stream; a second one meets it', async () => {
    const { host } = hostAt(0);
    const request = { hostId: host, body: {}, idempotencyKey: 'first' };
    const { id, answer } = await evacuateHost(bench.runtime, request);
    expect(answer).toEqual({
      ...{ id, kind: 'evacuation', events: `/events/${id}`, state: 'running' },
      host: { id: host, name: host },
      ...{ parallel: 5, timeout: 14_400, on_error: 'continue', keep_blocked: false },
    });
    expect(await evacuateHost(bench.runtime, request)).toEqual({ id, answer });
    await expect(evacuateHost(bench.runtime, { hostId: host })).rejects.toMatchObject({
      name: 'OperationInProgress',
      details: { operation: id, events: `/events/${id}` },
    });
    expect(await bench.runtime.events.read(id, 0)).toMatchObject([
      { name: 'host evacuate', data: { id: host } },
    ]);
    for (const let_go of blockers) let_go();
  });
});
