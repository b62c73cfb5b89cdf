import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resetClouds } from '../../../lib/commands/reset-clouds.ts';
import { isError } from '../../../lib/domain/errors.ts';
import type { Cloud, ServiceName } from '../../../lib/ports.ts';
import { present } from '../../../lib/resources/resource-type.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { failReset } from '../../../stepfunctions/reset-clouds/tasks/fail-reset.ts';
import { finishReset } from '../../../stepfunctions/reset-clouds/tasks/finish-reset.ts';
import { giveCloudUp } from '../../../stepfunctions/reset-clouds/tasks/give-cloud-up.ts';
import { listPrefixed } from '../../../stepfunctions/reset-clouds/tasks/list-prefixed.ts';
import { planReset } from '../../../stepfunctions/reset-clouds/tasks/plan-reset.ts';
import { removePrefixed } from '../../../stepfunctions/reset-clouds/tasks/remove-prefixed.ts';
import { testClock } from '../../support/clock.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

type Body = { id: string; name: string };

let bench: SimulatedRuntime;
let runtime: Runtime;
let cloud: Cloud;

beforeAll(async () => {
  const env = { RESET_ENABLED: 'true', RESET_PREFIX: 'demo-' };
  bench = await openSimulatedRuntime({}, env, { servers: 4, imageMib: 1 });
  // What is in the way is waited for, by a clock of the test's own.
  runtime = { ...bench.runtime, clock: testClock(new Date().toISOString()) };
  cloud = (await runtime.clouds()).source;
});

afterAll(() => bench.close());

const make = async (service: ServiceName, path: string, kind: string, body: object) =>
  (await cloud.post<Record<string, Body>>(service, path, { [kind]: body }))[kind] as Body;

const makeProject = (name: string, more = {}) =>
  make('identity', '/projects', 'project', { name, domain_id: 'default', ...more });

const makeNetwork = async (name: string, project_id: string) => {
  const network = await make('network', '/v2.0/networks', 'network', { name, project_id });
  const subnet = { network_id: network.id, cidr: '10.99.0.0/24', ip_version: 4, project_id };
  await make('network', '/v2.0/subnets', 'subnet', subnet);
  return network;
};

const stands = async (service: ServiceName, path: string) =>
  (await present(cloud.get(service, path))) !== undefined;

/** Lets the machine's retry have as many turns as it wants. */
const removeAll = async (input: { operation: string; cloud: 'source' | 'destination' }) => {
  for (;;) {
    try {
      return await removePrefixed(runtime, input);
    } catch (error) {
      if (!isError(error, 'StillWaiting')) throw error;
    }
  }
};

/** A reset, as its machine takes its steps; answers the reason of each cloud, if it failed. */
const reset = async () => {
  const { id: operation = '' } = await resetClouds(runtime);
  await planReset(runtime, { operation });
  for (const name of ['source', 'destination'] as const) {
    const input = { operation, cloud: name };
    await listPrefixed(runtime, input);
    await removeAll(input).catch((error: Error) =>
      giveCloudUp(runtime, { ...input, failure: { Cause: error.message } }),
    );
  }
  await finishReset(runtime, { operation });
  const events = await runtime.events.read(operation, 0);
  const ends = events.filter(({ name }) => name === 'reset completed');
  return { operation, events, reasons: ends.map(({ data }) => String(data.reason ?? '')) };
};

describe('clearing a cloud', () => {
  test("leaves a network that a stranger's port is on, with the project that it belongs to", async () => {
    const project = await makeProject('demo-shop');
    const network = await makeNetwork('front', project.id);
    const { projectId } = await cloud.self();
    const port = { network_id: network.id, name: 'guest', project_id: projectId };
    const guest = await make('network', '/v2.0/ports', 'port', port);
    const { reasons } = await reset();
    expect(reasons[0]).toMatch(/subnet .*10\.99\.0\.0/);
    expect(reasons[1]).toBe('');
    expect(await stands('network', `/v2.0/ports/${guest.id}`)).toBe(true);
    expect(await stands('network', `/v2.0/networks/${network.id}`)).toBe(true);
    expect(await stands('identity', `/projects/${project.id}`)).toBe(true);

    await cloud.delete('network', `/v2.0/ports/${guest.id}`);
    expect((await reset()).reasons).toEqual(['', '']);
    expect(await stands('network', `/v2.0/networks/${network.id}`)).toBe(false);
    expect(await stands('identity', `/projects/${project.id}`)).toBe(false);
  });

  test('leaves a domain that holds somebody, and does not disable it', async () => {
    const domain = await make('identity', '/domains', 'domain', { name: 'demo-corp' });
    const stranger = await makeProject('books', { domain_id: domain.id });
    await makeProject('demo-books', { domain_id: domain.id });
    const { reasons, events } = await reset();
    expect(reasons[0]).toContain('books of its projects');
    expect(events.map(({ name, data }) => `${name} ${data.name}`)).toContain(
      'tenant delete demo-books',
    );
    const path = `/domains/${domain.id}`;
    const { domain: left } = await cloud.get<{ domain: { enabled: boolean } }>('identity', path);
    expect(left.enabled).toBe(true);
    await cloud.delete('identity', `/projects/${stranger.id}`);
    expect((await reset()).reasons).toEqual(['', '']);
    expect(await stands('identity', path)).toBe(false);
  });

  test('takes what came while it was under way, and tells of each thing once', async () => {
    const project = await makeProject('demo-late');
    await makeNetwork('early', project.id);
    const { id: operation = '' } = await resetClouds(runtime);
    await planReset(runtime, { operation });
    for (const name of ['source', 'destination'] as const)
      await listPrefixed(runtime, { operation, cloud: name });
    const late = await makeNetwork('late', project.id);
    await removeAll({ operation, cloud: 'source' });
    await removeAll({ operation, cloud: 'source' });
    await removeAll({ operation, cloud: 'destination' });
    await finishReset(runtime, { operation });
    expect(await stands('network', `/v2.0/networks/${late.id}`)).toBe(false);
    const told = (await runtime.events.read(operation, 0)).map(({ name, data }) =>
      `${name} ${data.name ?? data.cloud}`.trim(),
    );
    expect(told.filter((one) => one.startsWith('network'))).toEqual([
      'network delete early',
      'network delete late',
    ]);
    expect(told.slice(-2)).toEqual(['reset completed source', 'reset completed destination']);
  });

  test('that is called off for good says so for both clouds', async () => {
    const { id: operation = '' } = await resetClouds(runtime);
    await failReset(runtime, { operation, failure: { Cause: 'no luck' } });
    const ends = await runtime.events.read(operation, 1);
    expect(ends.map(({ data }) => data)).toMatchObject([
      { cloud: 'source', status: 'error', reason: 'no luck' },
      { cloud: 'destination', status: 'error', reason: 'no luck' },
    ]);
  });
});
