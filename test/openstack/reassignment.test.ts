/**
 * The closed loop between two real clouds, through one service: a tenant is migrated, a host emptied and
 * reassigned through the destination's real Ironic, and the next tenant migrated onto it. The hardware
 * is fake, so the harness is the machine.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { CloudName } from '../../lib/domain/world.ts';
import { openCloud } from '../../lib/openstack/cloud.ts';
import { loadCloud } from '../../lib/openstack/clouds-yaml.ts';
import type { Cloud } from '../../lib/ports.ts';
import { deleteService, findComputeService, isMapped } from '../../lib/resources/host.ts';
import { all } from '../../lib/resources/resource-type.ts';
import { getServer, type Server } from '../../lib/resources/server.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { type RunningService, runningService } from '../support/running-service.ts';
import { bedHost, type Machine, playMachine } from './bed-machine.ts';
import { type BedTenant, type BedTenants, bedTenants, untilStatus } from './bed-tenants.ts';
import { type OpenStackClient, openStackClient } from './openstack-client.ts';
import { begun, toldOf } from './operation.ts';
import { bedClouds } from './programs.ts';
import { until } from './until.ts';

const HOST = 'src-compute-3';
/** The other hosts of the destination, which an operator keeps servers off while the next tenant comes. */
const OTHERS = ['dst-compute-1', 'dst-compute-2', 'dst-compute-3'];
/** Bytes of the destination's own image: more than the disks of the tenants have. */
const IMAGE_BYTES = 131_072;
const RUN = `reassign-${randomBytes(3).toString('hex')}`;

interface World {
  source: { hosts: { name: string; status: string }[] };
  destination: { hosts: { name: string; status: string }[] };
  hosts: { name: string; status: string; progress: number }[];
  events: string[];
}

let folder: string;
let cloudsFile: string;
let source: Cloud;
let destination: Cloud;
let clients: Record<CloudName, OpenStackClient>;
let service: RunningService;
let machine: Machine;
const undo: (() => Promise<unknown>)[] = [];
let tenants: BedTenants;
let first: BedTenant;
let next: BedTenant;
/** A server of the next tenant, on the host that is emptied. */
let evacuated: string;
let events: StreamEvent[];
let before: string[];
let image: string;
let flavor: string;

const world = async () => (await (await fetch(`${service.url}/resources`)).json()) as World;

const ask = (method: string, path: string) => fetch(`${service.url}${path}`, { method });

const told = async (answer: Response): Promise<StreamEvent[]> =>
  toldOf(service, await begun(answer));

type Row = Record<string, string>;

/** The servers of a tenant in a cloud, as `NAME STATUS HOST`. */
const serversOf = async (cloud: CloudName, { name }: BedTenant): Promise<string[]> => {
  const domain = ['--domain', `${tenants.run}-corp`];
  const projects = await clients[cloud].json<Row[]>('project', 'list', ...domain);
  const project = projects.find(({ Name }) => Name === name)?.ID ?? '';
  const words = ['server', 'list', '--all-projects', '--long', '--project', project];
  const rows = await clients[cloud].json<Row[]>(...words);
  return rows.map(({ Name, Status, Host }) => `${Name} ${Status} ${Host}`).sort();
};

const setHosts = async (word: '--enable' | '--disable', hosts: string[]) => {
  for (const host of hosts) {
    const words = ['compute', 'service', 'set', word, host, 'nova-compute'];
    const { code, err } = await clients.destination.run(...words);
    if (code !== 0) throw new Error(err);
  }
};

/** What an operator sees in the destination: nothing of ours may stay in it but the host. */
const destinationNow = async (): Promise<string[]> => {
  const servers = await clients.destination.json<{ Name: string }[]>(
    'server',
    'list',
    '--all-projects',
  );
  const services = await clients.destination.json<
    { Host: string; Status: string; State: string }[]
  >(...['compute', 'service', 'list', '--service', 'nova-compute']);
  const aggregates = await all(
    destination.list<{ name: string; hosts: string[] }>('compute', '/os-aggregates', 'aggregates'),
  );
  return [
    ...servers.map(({ Name }) => `server ${Name}`),
    ...services.map((one) => `host ${one.Host} ${one.Status} ${one.State}`),
    ...aggregates.map(({ name, hosts }) => `aggregate ${name} ${hosts.join(' ')}`),
  ].sort();
};

const makeImage = async (cloud: Cloud) => {
  const image = await cloud.post<{ id: string }>('image', '/v2/images', {
    ...{ name: RUN, disk_format: 'raw', container_format: 'bare', visibility: 'public' },
  });
  undo.push(() => cloud.delete('image', `/v2/images/${image.id}`));
  const body = Readable.from([randomBytes(IMAGE_BYTES)]);
  await cloud.upload('image', `/v2/images/${image.id}/file`, { body, size: IMAGE_BYTES });
  return image.id;
};

const makeFlavor = async (cloud: Cloud) => {
  const { flavor } = await cloud.post<{ flavor: { id: string } }>('compute', '/flavors', {
    flavor: { name: RUN, ram: 64, vcpus: 1, disk: 1 },
  });
  undo.push(() => cloud.delete('compute', `/flavors/${flavor.id}`));
  return flavor.id;
};

/** Boots a server on the host, as an operator of the destination. */
const boot = async () => {
  const { server } = await destination.post<{ server: Server }>('compute', '/servers', {
    server: { name: RUN, imageRef: image, flavorRef: flavor, networks: 'none', host: HOST },
  });
  undo.push(() => destination.delete('compute', `/servers/${server.id}`));
  await untilStatus(destination, [server.id], 'ACTIVE');
  return server.id;
};

/** Two servers of a tenant: one on the host that will be emptied, one beside it. */
const populate = async (tenant: BedTenant) => {
  const ids = [
    await tenant.boot('web', { host: HOST, metadata: { role: 'web' } }),
    await tenant.boot('db', { host: 'src-compute-1' }),
  ];
  await untilStatus(source, ids, 'ACTIVE');
  return ids;
};

/** The bed as it was: the host is the source's again. */
const giveBack = async () => {
  machine?.leave();
  const query = { all_tenants: true, host: HOST };
  await until('the host to be empty', async () => {
    const left = destination.list('compute', '/servers', 'servers', { query });
    return (await all(left)).length === 0;
  });
  await bedHost('--stop', 'destination', HOST);
  // Nova refuses until the last server there is really gone.
  await until('the destination to let the host go', async () => {
    const there = await findComputeService(destination, HOST);
    if (there) await deleteService(destination, there).catch(() => {});
    return there === undefined;
  });
  await bedHost('source', HOST);
  await until('the host to be back', async () => isMapped(source, HOST));
  const here = await findComputeService(source, HOST);
  await source.put('compute', `/os-services/${here?.id}`, { status: 'enabled' });
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-bed-'));
  cloudsFile = join(folder, 'clouds.yaml');
  const yaml = parse(await readFile(bedClouds(), 'utf8'));
  yaml.clouds.destination.pumphouse = {
    isolating_aggregate: RUN,
    ironic: {
      ...{
        image: 'http://images.example/compute.qcow2',
        checksum: 'd41d8cd98f00b204e9800998ecf8427e',
      },
      nodes: {
        [HOST]: { driver: 'fake-hardware', macs: ['52:54:00:12:34:56'], resource_class: RUN },
      },
    },
  };
  await writeFile(cloudsFile, stringify(yaml), { mode: 0o600 });
  source = openCloud(loadCloud(cloudsFile, 'source'), 'source');
  destination = openCloud(loadCloud(cloudsFile, 'destination'), 'destination');
  clients = {
    source: openStackClient(cloudsFile, 'source'),
    destination: openStackClient(cloudsFile, 'destination'),
  };
  image = await makeImage(destination);
  flavor = await makeFlavor(destination);
  const { aggregate } = await destination.post<{ aggregate: { id: number } }>(
    ...(['compute', '/os-aggregates', { aggregate: { name: RUN } }] as const),
  );
  undo.push(() => destination.delete('compute', `/os-aggregates/${aggregate.id}`));
  tenants = await bedTenants(source, 'loop');
  first = await tenants.add('first');
  next = await tenants.add('next');
  await populate(first);
  [evacuated = ''] = await populate(next);
  service = await runningService(
    ...['--clouds', cloudsFile, '--source', 'source', '--destination', 'destination'],
    ...['--provisioner', 'ironic', '--data', join(folder, 'data')],
  );
});

afterAll(async () => {
  await service?.stop();
  const maintenance = `/v1/nodes/${HOST}/maintenance`;
  const last = [
    () => setHosts('--enable', OTHERS),
    () => tenants.remove(),
    giveBack,
    () => destination.put('baremetal', maintenance, { reason: RUN }),
    () => destination.delete('baremetal', `/v1/nodes/${HOST}`),
  ];
  for (const one of [...undo.reverse(), ...last])
    await one().catch((error) => console.error(String(error)));
  for (const client of Object.values(clients ?? {})) await client.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a tenant of the source', () => {
  it('is migrated', async () => {
    events = await told(await ask('POST', `/tenants/${first.id}`));
    expect(events.at(-1)).toMatchObject({ name: 'tenant migrated', data: { status: '' } });
    expect(await serversOf('source', first)).toEqual([]);
    const there = await serversOf('destination', first);
    expect(there.map((line) => line.replace(/dst-compute-\d$/, 'there'))).toEqual([
      ...['db ACTIVE there', 'web ACTIVE there'],
    ]);
    before = await destinationNow();
  });
});

describe('a host with a server', () => {
  it('is refused while it is not evacuated, naming what is in the way', async () => {
    const answer = await ask('DELETE', `/hosts/${HOST}`);
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain('1 of its servers');
  });

  it('is evacuated', async () => {
    events = await told(await ask('POST', `/hosts/${HOST}`));
    expect(events.at(-1)?.data).toMatchObject({ id: HOST, status: '' });
    const moved = await getServer(source, evacuated);
    expect([moved.status, moved['OS-EXT-SRV-ATTR:host'] === HOST]).toEqual(['ACTIVE', false]);
  });
});

describe('the evacuated host', () => {
  it('is enrolled, powered off, forgotten, installed and proven', async () => {
    const asked = ask('DELETE', `/hosts/${HOST}`);
    await until('Ironic to know the host', async () =>
      destination.get('baremetal', `/v1/nodes/${HOST}`).then(
        () => true,
        () => false,
      ),
    );
    machine = playMachine(destination, HOST);
    events = await told(await asked);
    console.log(machine.seen.join('\n'));
    expect(events.at(-1)?.data).toMatchObject({
      ...{ id: HOST, name: HOST, new_id: HOST, cloud: 'destination', status: '' },
    });
  });

  it('has been told of in its order, with a progress that grows', () => {
    const names = events.map(({ name }) => name);
    expect(names.filter((name) => name !== 'host provisioning')).toEqual([
      ...['host reassign', 'host delete', 'host reassigned'],
    ]);
    const told = events.filter(({ name }) => name === 'host provisioning');
    const progress = told.map(({ data }) => Number(data.progress));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(told.map(({ data }) => data.status)).toEqual(
      expect.arrayContaining(['enroll', 'manageable', 'available', 'power on', 'testing']),
    );
  });

  it('has left no trace in the source', async () => {
    expect(await findComputeService(source, HOST)).toBeUndefined();
    const query = { name: HOST };
    const providers = source.list('placement', '/resource_providers', 'resource_providers', {
      query,
    });
    expect(await all(providers)).toEqual([]);
    expect(await isMapped(source, HOST)).toBe(false);
    const { agents } = await source.get<{ agents: { host: string }[] }>('network', '/v2.0/agents');
    expect(agents.filter((agent) => agent.host === HOST)).toEqual([]);
  });

  it('is in the destination what its other hosts are, and nothing else has come with it', async () => {
    expect(await destinationNow()).toEqual([...before, `host ${HOST} enabled up`].sort());
  });

  it('was proven with an image that is for everybody, and not with the disk of a tenant', async () => {
    const query = { all_tenants: true, deleted: true, name: '^pumphouse-smoke-' };
    const listed = destination.list<Server>('compute', '/servers/detail', 'servers', { query });
    const images = (await all(listed)).map(({ image: one }) => (one === '' ? '' : one.id));
    expect(images).toContain(image);
  });

  it('takes a server that an operator boots on it', async () => {
    const server = await boot();
    expect((await getServer(destination, server))['OS-EXT-SRV-ATTR:host']).toBe(HOST);
  });

  it('shows as available in the world', async () => {
    const { source: left, hosts, destination: there } = await world();
    expect(left.hosts.map(({ name }) => name)).not.toContain(HOST);
    expect(hosts).toEqual([]);
    expect(there.hosts).toContainEqual({ name: HOST, status: 'available' });
  });
});

describe('the next tenant', () => {
  it('is migrated onto the host that ran it in the source', async () => {
    await setHosts('--disable', OTHERS);
    events = await told(await ask('POST', `/tenants/${next.id}`));
    await setHosts('--enable', OTHERS);
    expect(events.at(-1)).toMatchObject({ name: 'tenant migrated', data: { status: '' } });
    const there = await serversOf('destination', next);
    console.log(there.join('\n'));
    expect(there).toEqual([`db ACTIVE ${HOST}`, `web ACTIVE ${HOST}`]);
    expect(await serversOf('source', next)).toEqual([]);
  });

  it('closes the loop: no operation runs, and each cloud shows what it has', async () => {
    const { source: left, destination: there, events: running } = await world();
    expect(running).toEqual([]);
    const names = (hosts: { name: string }[]) => hosts.map(({ name }) => name).sort();
    expect(names(left.hosts)).toEqual(['src-compute-1', 'src-compute-2']);
    expect(names(there.hosts)).toEqual([...OTHERS, HOST].sort());
  });
});
