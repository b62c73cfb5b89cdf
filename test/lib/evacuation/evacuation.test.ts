import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { evacuateHost } from '../../../lib/commands/evacuate-host.ts';
import { hostOf } from '../../../lib/evacuation/evacuation.ts';
import type { Cloud } from '../../../lib/ports.ts';
import { type ComputeService, computeServices } from '../../../lib/resources/host.ts';
import { all } from '../../../lib/resources/resource-type.ts';
import { getServer, type Server } from '../../../lib/resources/server.ts';
import { blockHost } from '../../../stepfunctions/evacuate-host/tasks/block-host.ts';
import { failEvacuation } from '../../../stepfunctions/evacuate-host/tasks/fail-evacuation.ts';
import { finishEvacuation } from '../../../stepfunctions/evacuate-host/tasks/finish-evacuation.ts';
import { listServers } from '../../../stepfunctions/evacuate-host/tasks/list-servers.ts';
import { liveMigrateServer } from '../../../stepfunctions/evacuate-host/tasks/live-migrate-server.ts';
import { testClock } from '../../support/clock.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

const TASKS = { blockHost, listServers, liveMigrateServer, finishEvacuation, failEvacuation };

let bench: SimulatedRuntime;
let source: Cloud;

const serversAt = async (host: string) => {
  const query = { all_tenants: true };
  const servers = await all(
    source.list<Server>('compute', '/servers/detail', 'servers', { query }),
  );
  return servers.filter((one) => hostOf(one) === host);
};

const act = (server: Server | undefined, action: object) =>
  source.post('compute', `/servers/${server?.id}/action`, action);

const serviceOf = async (host: string) =>
  (await all(computeServices(source))).find((one) => one.host === host) as ComputeService;

/** A host of the seeded workload with at least so many servers, all of them running. */
const busyHost = async (servers: number) => {
  for (const { host } of await all(computeServices(source))) {
    const here = await serversAt(host);
    if (here.length < servers) continue;
    for (const one of here.filter(({ status }) => status === 'SHUTOFF')) {
      await act(one, { 'os-start': null });
      await expect.poll(async () => (await getServer(source, one.id)).status).toBe('ACTIVE');
    }
    for (const one of here.filter(({ status }) => status === 'SUSPENDED')) {
      await act(one, { resume: null });
      await expect.poll(async () => (await getServer(source, one.id)).status).toBe('ACTIVE');
    }
    return { host, servers: await serversAt(host) };
  }
  throw new Error(`No simulated host has ${servers} servers`);
};

const evacuate = async (host: string) => {
  const { id } = await evacuateHost(bench.runtime, { hostId: host });
  const events = await bench.stream(id);
  return { id, events, names: events.map(({ name }) => name) };
};

const migrationsOf = (server: Server | undefined) => {
  const query = { instance_uuid: server?.id };
  return all(source.list<object>('compute', '/os-migrations', 'migrations', { query }));
};

beforeAll(async () => {
  bench = await openSimulatedRuntime(TASKS, {}, { tenants: 2, servers: 8, imageMib: 1 });
  ({ source } = await bench.runtime.clouds());
});

beforeEach(async () => {
  await bench.reset();
  await bench.synchronise();
});

afterAll(() => bench.close());

describe('an evacuation', () => {
  test('empties the host and leaves it blocked; paused servers stay paused', async () => {
    const { host, servers } = await busyHost(2);
    await act(servers[0], { pause: null });
    await expect
      .poll(async () => (await getServer(source, servers[0]?.id ?? '')).status)
      .toBe('PAUSED');
    const { events, names } = await evacuate(host);
    expect(names.slice(0, 2)).toEqual(['host evacuate', 'host block']);
    expect(names.filter((name) => name === 'server live migration')).toHaveLength(servers.length);
    for (const server of servers) {
      const now = await getServer(source, server.id);
      expect(hostOf(now)).not.toBe(host);
      expect(events).toContainEqual(
        expect.objectContaining({
          name: 'server live migrated',
          data: { id: server.id, cloud: 'source', host_name: hostOf(now) },
        }),
      );
      const item = { cloud: 'source', type: 'server', id: server.id } as const;
      expect((await bench.runtime.world.get(item))?.view.host_name).toBe(hostOf(now));
    }
    expect((await getServer(source, servers[0]?.id ?? '')).status).toBe('PAUSED');
    expect(events.at(-1)).toMatchObject({
      ...{ name: 'host evacuated', data: { id: host, status: '' }, last: true },
    });
    expect(await serviceOf(host)).toMatchObject({ status: 'disabled' });
    const world = await bench.runtime.world.get({ cloud: 'source', type: 'host', id: host });
    expect([world?.status, world?.observed]).toEqual([undefined, 'blocked']);
  });

  test('a host without servers is only blocked', async () => {
    const { host } = await busyHost(1);
    await evacuate(host);
    const { names } = await evacuate(host);
    expect(names).toEqual(['host evacuate', 'host block', 'host evacuated']);
  });

  test('a server that cannot move stops no other; the host becomes available again, named why', async () => {
    const { host, servers } = await busyHost(2);
    const [off, ...others] = servers;
    await act(off, { 'os-stop': null });
    await expect.poll(async () => (await getServer(source, off?.id ?? '')).status).toBe('SHUTOFF');
    const { events, names } = await evacuate(host);
    expect((await serversAt(host)).map(({ id }) => id)).toEqual([off?.id]);
    expect(names.filter((name) => name === 'server live migrated')).toHaveLength(others.length);
    expect(events).toContainEqual(
      expect.objectContaining({
        name: 'server live migration failed',
        data: { id: off?.id, cloud: 'source', reason: expect.stringContaining('SHUTOFF') },
      }),
    );
    expect(names.slice(-2)).toEqual(['host unblock', 'host evacuated']);
    expect(events.at(-1)?.data).toMatchObject({
      status: 'error',
      reason: expect.stringContaining(off?.name ?? ''),
    });
    expect(await serviceOf(host)).toMatchObject({ status: 'enabled', disabled_reason: null });
    const world = await bench.runtime.world.get({ cloud: 'source', type: 'host', id: host });
    expect([world?.status, world?.observed]).toEqual([undefined, 'available']);
  });

  test('a migration that Nova gives up is read from its record and reported', async () => {
    const { host, servers } = await busyHost(1);
    const [server] = servers;
    const metadata = { metadata: { bed_fault: 'live-migration' } };
    await source.post('compute', `/servers/${server?.id}/metadata`, metadata);
    const { events } = await evacuate(host);
    expect(events).toContainEqual(
      expect.objectContaining({
        name: 'server live migration failed',
        data: { id: server?.id, cloud: 'source', reason: expect.stringContaining('failed') },
      }),
    );
    expect(await migrationsOf(server)).toHaveLength(1);
  });

  test('a host that somebody else had blocked keeps their reason, also after a failure', async () => {
    const { host, servers } = await busyHost(1);
    const { id } = await serviceOf(host);
    const theirs = { status: 'disabled', disabled_reason: 'bad memory' };
    await source.put('compute', `/os-services/${id}`, theirs);
    await act(servers[0], { 'os-stop': null });
    await expect
      .poll(async () => (await getServer(source, servers[0]?.id ?? '')).status)
      .toBe('SHUTOFF');
    const { names, events } = await evacuate(host);
    expect(events.at(-1)?.data.status).toBe('error');
    expect(names).not.toContain('host unblock');
    expect(await serviceOf(host)).toMatchObject(theirs);
  });

  test('a lost answer does not migrate twice', async () => {
    const { host, servers } = await busyHost(1);
    const path = `/servers/${servers[0]?.id}/action$`;
    await bench.fault({ method: 'POST', path, times: 1 }, 'lose');
    const { events } = await evacuate(host);
    expect(events.at(-1)?.data).toEqual({ id: host, status: '' });
    expect(await migrationsOf(servers[0])).toHaveLength(1);
  });

  test('a server that another operation holds is waited for', async () => {
    const { host, servers } = await busyHost(1);
    const [server] = servers;
    const other = await bench.runtime.operations.begin({
      ...{ id: `other ${host}`, kind: 'migration', state: 'running', input: {} },
      ...{ createdAt: new Date().toISOString() },
      subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' },
    });
    await bench.runtime.operations.lock(other.id, `server#source#${server?.id}`);
    const { id } = await evacuateHost(bench.runtime, { hostId: host });
    await expect
      .poll(async () => (await bench.runtime.plans.list(id)).find((one) => one.id === server?.id))
      .toMatchObject({ intents: { lock: expect.anything() } });
    expect(await migrationsOf(server)).toHaveLength(0);
    await bench.runtime.operations.end(other, '');
    const events = await bench.stream(id);
    expect(events.at(-1)?.data).toEqual({ id: host, status: '' });
  });

  test('a server that is held for too long is left where it is, and named', async () => {
    const { host, servers } = await busyHost(1);
    const runtime = { ...bench.runtime, clock: testClock('2100-01-01T00:00:00.000Z') };
    const lock = `server#source#${servers[0]?.id}`;
    const other = await runtime.operations.begin({
      ...{ id: `holder of ${host}`, kind: 'migration', state: 'running', input: {} },
      ...{ createdAt: new Date().toISOString() },
      subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' },
    });
    await runtime.operations.lock(other.id, lock);
    const workflows = { ...runtime.workflows, start: async () => {} };
    const { id } = await evacuateHost({ ...runtime, workflows }, { hostId: host });
    const input = { operation: id };
    for (const server of (await listServers(runtime, input)).servers) {
      if (server === servers[0]?.id) await liveMigrateServer(runtime, { ...input, server });
    }
    expect((await runtime.events.read(id, 1)).map(({ name, data }) => [name, data.reason])).toEqual(
      [['server live migration failed', expect.stringContaining('which another operation holds')]],
    );
    expect(await runtime.operations.lock(id, lock)).toBe(false);
    await runtime.operations.end(other, '');
    await finishEvacuation(bench.runtime, input);
  });

  test('when it cannot go on, the host becomes again what it was and the last event says why', async () => {
    const { host } = await busyHost(1);
    const body = { badRequest: { code: 400, message: 'no such filter' } };
    await bench.fault({ method: 'GET', path: '/servers/detail' }, { status: 400, body });
    const { names, events } = await evacuate(host);
    expect(names).toEqual(['host evacuate', 'host block', 'host unblock', 'host evacuated']);
    expect(events.at(-1)?.data).toMatchObject({
      status: 'error',
      reason: expect.stringContaining('no such filter'),
    });
    expect(await serviceOf(host)).toMatchObject({ status: 'enabled' });
  });
});
