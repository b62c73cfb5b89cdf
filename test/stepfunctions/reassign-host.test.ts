import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { Cloud } from '../../lib/ports.ts';
import { all } from '../../lib/resources/resource-type.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { beginReassigning, type Reassigning } from '../support/reassigning.ts';

const HOST = 'rack1-node1';
const IMAGE = { image: 'http://images.example/compute.qcow2' };

let story: Reassigning;

afterEach(() => story.end());

const begin = async (pumphouse?: object) => {
  story = await beginReassigning(pumphouse);
  await story.vacate(HOST);
};

const providers = (cloud: Cloud, name: string) =>
  all(
    cloud.list<{ uuid: string }>('placement', '/resource_providers', 'resource_providers', {
      query: { name },
    }),
  );

const agents = (cloud: Cloud, host: string) =>
  all(cloud.list<object>('network', '/v2.0/agents', 'agents', { query: { host } }));

const aggregates = (cloud: Cloud) =>
  all(cloud.list<{ name: string; hosts: string[] }>('compute', '/os-aggregates', 'aggregates'));

const servers = (cloud: Cloud) =>
  all(
    cloud.list<{ id: string; name: string }>('compute', '/servers/detail', 'servers', {
      query: { all_tenants: true },
    }),
  );

/** The names of hosts in the source, between the clouds, and in the destination. */
const places = async () => {
  const { source, hosts, destination } = await story.world();
  const isOurs = ({ name }: { name: string }) => name === HOST;
  return [source.hosts, hosts, destination.hosts].map((list) => list.find(isOurs));
};

const names = (events: StreamEvent[]) =>
  events.map(({ name }) => name).filter((name, index, list) => name !== list[index - 1]);

const lastOf = (events: StreamEvent[]) => {
  const { at: _at, ...data } = events.at(-1)?.data ?? {};
  return data;
};

describe('a host that is reassigned', () => {
  test('leaves no trace in the source and shows as available in the destination', async () => {
    await begin();
    const events = await story.reassign(HOST);
    expect(lastOf(events)).toEqual({
      ...{ id: HOST, name: HOST, new_id: HOST, cloud: 'destination', status: '' },
    });
    expect(names(events)).toEqual([
      ...['host reassign', 'host provisioning', 'host delete', 'host provisioning'],
      'host reassigned',
    ]);
    expect((await story.services(story.source)).map(({ host }) => host)).not.toContain(HOST);
    expect(await providers(story.source, HOST)).toEqual([]);
    expect(await agents(story.source, HOST)).toEqual([]);
    expect((await aggregates(story.source)).flatMap(({ hosts }) => hosts)).not.toContain(HOST);
    expect(await story.services(story.destination)).toContainEqual(
      expect.objectContaining({ host: HOST, status: 'enabled', state: 'up' }),
    );
    expect(await servers(story.destination)).toEqual([]);
    expect(await places()).toEqual([undefined, undefined, { name: HOST, status: 'available' }]);
  });

  test('is told with a progress that grows, and is installed under its name', async () => {
    await begin();
    const events = await story.reassign(HOST, { name: 'hall2-node9' });
    const told = events.filter(({ name }) => name === 'host provisioning');
    const progress = told.map(({ data }) => Number(data.progress));
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(told.every(({ data }) => data.id === HOST && data.new_id === 'hall2-node9')).toBe(true);
    expect(lastOf(events)).toMatchObject({ id: HOST, name: HOST, new_id: 'hall2-node9' });
    const hosts = (await story.services(story.destination)).map(({ host }) => host);
    expect(hosts).toContain('hall2-node9');
    expect(hosts).not.toContain(HOST);
  });

  test('takes the servers of the next tenant', async () => {
    await begin();
    await story.reassign(HOST);
    for (const { host, id } of await story.services(story.destination)) {
      if (host === HOST) continue;
      await story.destination.put('compute', `/os-services/${id}`, { status: 'disabled' });
    }
    const tenant = await story.largestTenant();
    const answer = await story.post(`/tenants/${tenant.id}`);
    const { id } = (await answer.json()) as { id: string };
    const events = await story.told(id);
    expect(events.at(-1)?.data).toMatchObject({ status: '' });
    const boots = events.filter(({ name }) => name === 'server boot');
    expect(boots.length).toBeGreaterThan(1);
    expect(new Set(boots.map(({ data }) => data.host_name))).toEqual(new Set([HOST]));
  });

  test('leaves no provider behind, though Nova could not delete it for its allocations', async () => {
    await begin();
    const [provider] = await providers(story.source, HOST);
    const [other] = await providers(story.source, 'rack2-node1');
    const consumer = randomUUID();
    const resources = { VCPU: 1, MEMORY_MB: 512 };
    const allocations = {
      [provider?.uuid ?? '']: { resources },
      [other?.uuid ?? '']: { resources },
    };
    await story.source.put('placement', `/allocations/${consumer}`, {
      ...{ allocations, project_id: 'p', user_id: 'u', consumer_generation: null },
    });
    expect(lastOf(await story.reassign(HOST))).toMatchObject({ status: '' });
    expect(await providers(story.source, HOST)).toEqual([]);
    const left = await story.source.get<{ allocations: object }>(
      'placement',
      `/allocations/${consumer}`,
    );
    expect(Object.keys(left.allocations)).toEqual([other?.uuid]);
  });

  test('stands in the isolating aggregate until its smoke server has run', async () => {
    await begin({ ironic: IMAGE, isolating_aggregate: 'rack-1' });
    await story.breakNode(HOST, 'spawn');
    expect(lastOf(await story.reassign(HOST))).toMatchObject({ status: 'error' });
    const calls = await fetch(`${story.service.env.SIMULATOR_URL}/_simulator/calls`);
    const { calls: log } = (await calls.json()) as { calls: { method: string; path: string }[] };
    const paths = log
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path}`);
    const joined = paths.indexOf('POST /os-aggregates/1/action');
    const booted = paths.indexOf('POST /servers');
    expect(joined).toBeGreaterThan(-1);
    expect(joined).toBeLessThan(booted);
    expect(paths.lastIndexOf('POST /os-aggregates/1/action')).toBeGreaterThan(booted);
    expect((await aggregates(story.destination)).flatMap(({ hosts }) => hosts)).not.toContain(HOST);
  });
});

describe('a host whose machine fails', () => {
  test.each(['power', 'inspect', 'clean', 'deploy'])(
    'once (%s) is tried again, and arrives',
    async (fault) => {
      await begin();
      await story.breakNode(HOST, fault, 1);
      expect(lastOf(await story.reassign(HOST))).toMatchObject({ status: '' });
      expect((await places()).at(-1)).toEqual({ name: HOST, status: 'available' });
    },
  );

  test('to switch off stays in the source, with the reason', async () => {
    await begin();
    await story.breakNode(HOST, 'power');
    const last = lastOf(await story.reassign(HOST));
    expect(last).toMatchObject({ id: HOST, new_id: '', status: 'error' });
    expect(last.reason).toContain('Failed to set node power state to power off');
    expect(await places()).toEqual([
      { name: HOST, status: 'error', reason: last.reason },
      undefined,
      undefined,
    ]);
    expect(await story.services(story.source)).toContainEqual(
      expect.objectContaining({ host: HOST, status: 'disabled', state: 'up' }),
    );
  });

  test.each(['inspect', 'clean', 'deploy'])(
    'for good (%s) stands between the clouds with the reason, and goes on when it is mended',
    async (fault) => {
      await begin();
      await story.breakNode(HOST, fault);
      const last = lastOf(await story.reassign(HOST));
      expect(last).toMatchObject({ new_id: '', status: 'error' });
      expect(last.reason).toContain(`Failed to ${fault} node`);
      const [, between] = await places();
      expect(between).toMatchObject({ name: HOST, status: 'error', reason: last.reason });
      await story.mendNode(HOST);
      expect(lastOf(await story.reassign(HOST))).toMatchObject({ new_id: HOST, status: '' });
      expect(await places()).toEqual([undefined, undefined, { name: HOST, status: 'available' }]);
    },
  );

  test('that Ironic does not know is enrolled as clouds.yaml describes it, and verified again', async () => {
    story = await beginReassigning({
      ironic: {
        ...IMAGE,
        nodes: { [HOST]: { driver: 'fake-hardware', macs: ['52:54:00:00:00:01'] } },
      },
    });
    await story.vacate(HOST);
    const { uuid } = await story.node(HOST);
    const ports = await all(
      story.destination.list<{ address: string }>('baremetal', '/v1/ports/detail', 'ports', {
        query: { node: uuid },
      }),
    );
    await story.destination.delete('baremetal', `/v1/nodes/${uuid}`);
    await story.destination.post('baremetal', '/v1/nodes', {
      ...{ name: 'dusty', driver: 'fake-hardware', extra: { fault: 'verify', fault_times: 1 } },
    });
    const node = await story.node('dusty');
    await story.destination.post('baremetal', '/v1/ports', {
      ...{ node_uuid: node.uuid, address: ports[0]?.address },
    });
    expect(lastOf(await story.reassign(HOST, { mac: ports[0]?.address }))).toMatchObject({
      status: '',
    });
    expect((await story.node('dusty')).provision_state).toBe('active');
  });

  test('whose nova-compute never reports is given up after its deadline, with what to look at', async () => {
    await begin({ ironic: IMAGE, deadlines: { arrival: 0 } });
    await story.breakNode(HOST, 'boot');
    const { reason } = lastOf(await story.reassign(HOST));
    expect(reason).toContain(`the compute service of ${HOST} to report to the destination`);
    expect((await places())[1]).toMatchObject({ status: 'error', reason });
  });

  test('that is not mapped to a cell is given up after its deadline, with the command to run', async () => {
    await begin({ ironic: IMAGE, deadlines: { arrival: 0 } });
    await story.breakNode(HOST, 'mapping');
    const { reason } = lastOf(await story.reassign(HOST));
    expect(reason).toContain('nova-manage cell_v2 discover_hosts');
    expect((await places())[1]).toMatchObject({ status: 'error', reason });
  });

  test('to run its smoke server is disabled again with the reason, and the server is gone', async () => {
    await begin();
    await story.breakNode(HOST, 'spawn');
    const last = lastOf(await story.reassign(HOST));
    expect(last.reason).toContain(`The smoke server did not boot on ${HOST}`);
    const service = (await story.services(story.destination)).find(({ host }) => host === HOST);
    expect(service).toMatchObject({ status: 'disabled' });
    expect(service?.disabled_reason).toContain('The smoke server did not boot');
    expect(await servers(story.destination)).toEqual([]);
    expect((await places())[1]).toMatchObject({ status: 'error', reason: last.reason });
    await story.mendNode(HOST);
    expect(lastOf(await story.reassign(HOST))).toMatchObject({ new_id: HOST, status: '' });
    expect((await places()).at(-1)).toEqual({ name: HOST, status: 'available' });
  });
});
