import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../lib/simulator/simulator.ts';
import type { Body, Session } from '../contract/openstack/session.ts';
import { dataFolder, openEntry } from './running.ts';

const data = dataFolder();
let simulator: Simulator;
let source: Session;
let destination: Session;
beforeAll(async () => {
  simulator = await startSimulator({ dataDir: data.path, pace: 0, seed: 7 });
  source = await openEntry(simulator.cloudsYaml(), 'source');
  destination = await openEntry(simulator.cloudsYaml(), 'destination');
});
afterAll(async () => {
  await simulator.close();
  data.remove();
});

const get = async (who: Session, service: string, path: string): Promise<Body> => {
  const version = { compute: '2.93', volumev3: '3.70' }[service];
  const answer = await who.call('GET', service, path, version ? { version } : {});
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};
const servers = async (who = source): Promise<Body[]> =>
  (await get(who, 'compute', '/servers/detail?all_tenants=1')).servers;

async function projectIds(): Promise<Record<string, string>> {
  const { projects } = await get(source, 'identity', '/projects');
  return Object.fromEntries(projects.map((one: Body) => [one.name, one.id]));
}

describe('the source', () => {
  test('has the servers asked for, over its hosts, and one tenant with most', async () => {
    const all = await servers();
    expect(all).toHaveLength(14);
    expect(new Set(all.map((one) => one['OS-EXT-SRV-ATTR:host'])).size).toBe(4);
    const counts = Map.groupBy(all, (one) => one.tenant_id);
    const sizes = [...counts.values()].map((list) => list.length).sort((a, b) => b - a);
    expect(sizes[0]).toBeGreaterThan(sizes[1] ?? 0);
  });

  test('gives the largest tenant every state and nothing that cannot move yet', async () => {
    const largest = (await projectIds())['web-shop'];
    const mine = (await servers()).filter((one) => one.tenant_id === largest);
    expect(new Set(mine.map((one) => one.status))).toEqual(
      new Set(['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED']),
    );
    expect(mine.every((one) => one.image !== '')).toBe(true);
    const tenants = `all_tenants=1&project_id=${largest}`;
    expect((await get(source, 'volumev3', `/volumes?${tenants}`)).volumes).toEqual([]);
    expect((await get(source, 'volumev3', `/snapshots?${tenants}`)).snapshots).toEqual([]);
    const groups = await get(source, 'compute', '/os-server-groups?all_projects=1');
    expect(groups.server_groups.map((one: Body) => one.project_id)).not.toContain(largest);
  });

  test('gives another tenant volumes: attached, booted from, spare, with a snapshot', async () => {
    const owner = (await projectIds())['data-platform'];
    const mine = (await servers()).filter((one) => one.tenant_id === owner);
    expect(mine.some((one) => one.image === '')).toBe(true);
    const query = `all_tenants=1&project_id=${owner}`;
    const { volumes } = await get(source, 'volumev3', `/volumes/detail?${query}`);
    expect(volumes.map((one: Body) => one.status)).toContain('in-use');
    expect(volumes.map((one: Body) => one.status)).toContain('available');
    expect(volumes.map((one: Body) => one.bootable)).toContain('true');
    expect((await get(source, 'volumev3', `/snapshots?${query}`)).snapshots).toHaveLength(1);
  });

  test('lets every tenant log in with its entry', async () => {
    for (const tenant of ['web-shop', 'data-platform', 'finance', 'research']) {
      const session = await openEntry(simulator.cloudsYaml(), `source-${tenant}`);
      expect(session.projectId).toBe((await projectIds())[tenant]);
    }
    const credential = await openEntry(simulator.cloudsYaml(), 'source-appcred');
    expect(credential.userId).toBe(source.userId);
  });
});

describe('the destination', () => {
  test('has hosts and no servers, and lacks some flavors and images', async () => {
    expect(await servers(destination)).toEqual([]);
    const hosts = await get(destination, 'compute', '/os-services?binary=nova-compute');
    expect(hosts.services).toHaveLength(3);
    const names = async (who: Session, path: string, key: string) =>
      (await get(who, path.startsWith('/v2') ? 'image' : 'compute', path))[key].map(
        (one: Body) => one.name,
      );
    const there = await names(destination, '/flavors', 'flavors');
    const here = await names(source, '/flavors', 'flavors');
    expect(there.length).toBeLessThan(here.length);
    expect(here).toEqual(expect.arrayContaining(there));
    const images = await names(destination, '/v2/images', 'images');
    expect(images).toEqual(['cirros-0.6.2']);
  });

  test('has the same image with the same bytes, and the same network outside', async () => {
    const image = async (who: Session) =>
      (await get(who, 'image', '/v2/images?name=cirros-0.6.2')).images[0];
    expect((await image(destination)).os_hash_value).toBe((await image(source)).os_hash_value);
    const outside = async (who: Session) => {
      const { networks } = await get(who, 'network', '/v2.0/networks?name=public');
      const { subnets } = await get(who, 'network', `/v2.0/subnets?network_id=${networks[0].id}`);
      return [networks[0]['router:external'], subnets[0].cidr, subnets[0].allocation_pools];
    };
    expect(await outside(destination)).toEqual(await outside(source));
  });
});

/** Everything that a seed decides. */
async function portrait(who: Session): Promise<unknown> {
  const ports = await get(who, 'network', '/v2.0/ports');
  const images = await get(who, 'image', '/v2/images');
  return {
    servers: (await servers(who)).map((one) => [one.id, one.name, one.status, one.flavor]),
    ports: ports.ports.map((one: Body) => [one.id, one.mac_address, one.fixed_ips]),
    images: images.images.map((one: Body) => [one.id, one.name, one.os_hash_value]),
    projects: await projectIds(),
  };
}

test('reset brings back the seeded workload, and a token stays good', async () => {
  const before = await portrait(source);
  const [victim] = await servers();
  await source.call('DELETE', 'compute', `/servers/${victim.id}`);
  await source.call('POST', 'identity', '/projects', { body: { project: { name: 'passing' } } });
  const answer = await fetch(`${simulator.url}/_simulator/reset`, { method: 'POST' });
  expect(answer.status).toBe(204);
  expect(await portrait(source)).toEqual(before);
});

test('the same seed makes the same workload elsewhere, another seed another', async () => {
  const before = await portrait(source);
  for (const [seed, same] of [
    [7, true],
    [8, false],
  ] as const) {
    const other = dataFolder();
    const twin = await startSimulator({ dataDir: other.path, seed, pace: 0 });
    const seen = await portrait(await openEntry(twin.cloudsYaml(), 'source'));
    await twin.close();
    other.remove();
    if (same) expect(seen).toEqual(before);
    else expect(seen).not.toEqual(before);
  }
});

test('a list is never longer than the largest page', async () => {
  const other = dataFolder();
  const small = await startSimulator({ dataDir: other.path, maxPage: 5, pace: 0 });
  const session = await openEntry(small.cloudsYaml(), 'source');
  const version = '2.93';
  const first = await session.call('GET', 'compute', '/servers?all_tenants=1', { version });
  expect(first.body.servers).toHaveLength(5);
  expect(first.body.servers_links[0].rel).toBe('next');
  const ports = await session.call('GET', 'network', '/v2.0/ports?limit=50');
  expect(ports.body.ports).toHaveLength(5);
  expect(ports.body.ports_links[0].rel).toBe('next');
  await small.close();
  other.remove();
});

test('an upload that breaks off leaves the image queued, to be tried again', async () => {
  const made = await source.call('POST', 'image', '/v2/images', {
    body: { name: 'broken', disk_format: 'raw', container_format: 'bare' },
  });
  const path = `${source.url('image')}/v2/images/${made.body.id}/file`;
  const half = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(1000));
    },
    pull(controller) {
      controller.error(new Error('gone'));
    },
  });
  await expect(
    fetch(path, {
      method: 'PUT',
      body: half,
      duplex: 'half',
      headers: { 'X-Auth-Token': source.token, 'Content-Type': 'application/octet-stream' },
    } as RequestInit),
  ).rejects.toThrow();
  for (;;) {
    const image = await get(source, 'image', `/v2/images/${made.body.id}`);
    if (image.status === 'queued') break;
  }
  const again = await source.call('PUT', 'image', `/v2/images/${made.body.id}/file`, {
    bytes: new Uint8Array(10),
  });
  expect(again.status).toBe(204);
});
