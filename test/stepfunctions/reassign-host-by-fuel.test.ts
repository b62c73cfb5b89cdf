import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SimulatedFuel, startFuel } from '../support/nailgun.ts';
import { beginReassigning, type Reassigning } from '../support/reassigning.ts';

const HOST = 'rack1-node1';

let fuel: SimulatedFuel;
let story: Reassigning;

const ironic = (verb: string, body: object) =>
  story.destination.put('baremetal', `/v1/nodes/${HOST}/states/${verb}`, body);

/** Whatever Fuel does to a machine, the simulated room has to show. */
const machines = {
  removed: async () => {
    await ironic('power', { target: 'power off' });
  },
  deployed: async () => {
    await ironic('provision', { target: 'provide' });
    await story.node(HOST);
    await ironic('provision', {
      ...{ target: 'active', configdrive: { meta_data: { hostname: HOST } } },
    });
    await story.node(HOST);
    await ironic('power', { target: 'power on' });
  },
};

const begin = async (more: object = {}) => {
  story = await beginReassigning({ fuel: { ...fuel.settings, ...more } }, 'fuel');
  await story.vacate(HOST);
};

const lastOf = async (host = HOST) => {
  const { at: _at, ...data } = (await story.reassign(host)).at(-1)?.data ?? {};
  return data;
};

beforeEach(async () => {
  fuel = await startFuel([HOST, 'rack1-node2'], machines);
});

afterEach(async () => {
  await story.end();
  await fuel.close();
});

const node = () => fuel.nodes.find(({ fqdn }) => fqdn === HOST);

describe('a host that Fuel reassigns', () => {
  test('is removed from one environment and laid out in the other as its compute node is', async () => {
    await begin();
    expect(await lastOf()).toEqual({
      ...{ id: HOST, name: HOST, new_id: HOST, cloud: 'destination', status: '' },
    });
    expect(fuel.calls).toEqual([
      ...['POST clusters/1/unassignment/', 'PUT clusters/1/changes'],
      ...['POST clusters/2/assignment/', 'PUT nodes/10/disks/', 'PUT nodes/10/interfaces/'],
      'PUT clusters/2/changes',
    ]);
    expect(node()).toMatchObject({ cluster: 2, status: 'ready', roles: ['compute'] });
    expect(node()?.disks[0]?.volumes).toEqual(fuel.nodes.at(-1)?.disks[0]?.volumes);
    const { destination } = await story.world();
    expect(destination.hosts).toContainEqual({ name: HOST, status: 'available' });
  });

  test('is laid out as the operator says, where he does', async () => {
    await begin({
      layout: {
        roles: ['compute', 'cinder'],
        volumes: { sda: [{ name: 'os', size: 60_000 }] },
        networks: { eth1: ['management', 'storage'] },
      },
    });
    expect(await lastOf()).toMatchObject({ status: '' });
    expect(node()).toMatchObject({ roles: ['compute', 'cinder'] });
    expect(node()?.disks[0]?.volumes).toEqual([{ name: 'os', size: 60_000 }]);
    expect(node()?.interfaces.map(({ assigned_networks }) => assigned_networks.length)).toEqual([
      ...[0, 2],
    ]);
  });

  test('is deployed once more when that failed, and given up with the reason when it fails again', async () => {
    await begin();
    fuel.failing = 1;
    expect(await lastOf()).toMatchObject({ status: '' });
    await story.vacate('rack1-node2');
    fuel.failing = 9;
    const { status, reason } = await lastOf('rack1-node2');
    expect([status, reason]).toEqual(['error', expect.stringContaining('Node is offline')]);
    const { source } = await story.world();
    expect(source.hosts).toContainEqual({ name: 'rack1-node2', status: 'error', reason });
    expect(fuel.nodes.find(({ fqdn }) => fqdn === 'rack1-node2')?.pending_deletion).toBe(false);
  });

  test.each([
    [
      'has changes of others pending',
      () => Object.assign(fuel.nodes[1] ?? {}, { pending_deletion: true }),
      'pending',
    ],
    ['has no compute node to be laid out like', () => fuel.nodes.pop(), 'compute node'],
    ['does not know the host', () => fuel.nodes.shift(), 'no node'],
  ])('is refused untouched where Fuel %s', async (_, change, said) => {
    await begin();
    change();
    const { status, json } = await story.request(HOST);
    expect([status, json.detail]).toEqual([409, expect.stringContaining(said)]);
    expect(fuel.calls).toEqual([]);
  });
});
