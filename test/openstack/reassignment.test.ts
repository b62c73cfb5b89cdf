/**
 * A host of one real cloud becomes a host of the other, through the destination's real Ironic. Its
 * hardware is fake, so the harness is the machine: off, its nova-compute stops; installed and on, one
 * starts in the destination, as the image on its disk would have it.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { openCloud } from '../../lib/openstack/cloud.ts';
import { loadCloud } from '../../lib/openstack/clouds-yaml.ts';
import type { Cloud } from '../../lib/ports.ts';
import type { BareMetalNode } from '../../lib/resources/bare-metal-node.ts';
import { deleteService, findComputeService, isMapped } from '../../lib/resources/host.ts';
import { all } from '../../lib/resources/resource-type.ts';
import { getServer, type Server } from '../../lib/resources/server.ts';
import { eventsOf, type StreamEvent } from '../support/event-stream.ts';
import { type RunningService, runningService } from '../support/running-service.ts';
import { type OpenStackClient, openStackClient } from './openstack-client.ts';
import { bedClouds } from './programs.ts';

const HOST = 'src-compute-3';
const RUN = `reassign-${randomBytes(3).toString('hex')}`;

const execute = promisify(execFile);
const state = dirname(bedClouds());
/** Starts or stops a nova-compute of the bed. */
const host = (...words: string[]) =>
  execute(`${import.meta.dirname}/bed/host`, words, { env: { ...process.env, STATE: state } });

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const until = async (what: string, probe: () => Promise<boolean>) => {
  for (let look = 0; look < 600; look += 1) {
    if (await probe()) return;
    await pause(1);
  }
  throw new Error(`waited in vain for ${what}`);
};

interface World {
  source: { hosts: { name: string; status: string }[] };
  destination: { hosts: { name: string; status: string }[] };
  hosts: { name: string; status: string; progress: number }[];
}

let folder: string;
let cloudsFile: string;
let source: Cloud;
let destination: Cloud;
let client: OpenStackClient;
let service: RunningService;
let machine: { switchOff(): void; seen: string[] };
const undo: (() => Promise<unknown>)[] = [];
let events: StreamEvent[];
let before: string[];
let image: string;
let flavor: string;

const world = async () => (await (await fetch(`${service.url}/resources`)).json()) as World;

const told = async (answer: Response): Promise<StreamEvent[]> => {
  const text = await answer.text();
  expect(answer.status, text).toBe(201);
  const { id } = JSON.parse(text) as { id: string };
  const heard = await Array.fromAsync(eventsOf(`${service.url}/events/${id}`));
  console.log(heard.map(({ name, data }) => `${name} ${JSON.stringify(data)}`).join('\n'));
  return heard;
};

/** What an operator sees in the destination: nothing of ours may stay in it but the host. */
const destinationNow = async (): Promise<string[]> => {
  const servers = await client.json<{ Name: string }[]>('server', 'list', '--all-projects');
  const services = await client.json<{ Host: string; Status: string; State: string }[]>(
    ...['compute', 'service', 'list', '--service', 'nova-compute'],
  );
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
  const body = Readable.from([randomBytes(65_536)]);
  await cloud.upload('image', `/v2/images/${image.id}/file`, { body, size: 65_536 });
  return image.id;
};

const makeFlavor = async (cloud: Cloud) => {
  const { flavor } = await cloud.post<{ flavor: { id: string } }>('compute', '/flavors', {
    flavor: { name: RUN, ram: 64, vcpus: 1, disk: 1 },
  });
  undo.push(() => cloud.delete('compute', `/flavors/${flavor.id}`));
  return flavor.id;
};

/** Boots a server on the host, in whichever cloud that is. */
const boot = async (cloud: Cloud, image: string, flavor: string) => {
  const { server } = await cloud.post<{ server: Server }>('compute', '/servers', {
    server: { name: RUN, imageRef: image, flavorRef: flavor, networks: 'none', host: HOST },
  });
  undo.push(() => cloud.delete('compute', `/servers/${server.id}`));
  await until('a server on the host', async () => {
    const { status, fault } = await getServer(cloud, server.id);
    if (status === 'ERROR') throw new Error(fault?.message);
    return status === 'ACTIVE';
  });
  return server.id;
};

/** Plays the machine of the node until it is told to stop. */
const playMachine = (name: string) => {
  let on = true;
  const seen: string[] = [];
  const step = async () => {
    const node = await destination.get<BareMetalNode>('baremetal', `/v1/nodes/${name}`);
    const now = `${node.provision_state} ${node.power_state}`;
    if (seen.at(-1) === now) return;
    seen.push(now);
    if (node.power_state === 'power off') await host('--stop', 'source', HOST);
    if (now === 'active power on') await host('destination', HOST);
  };
  void (async () => {
    while (on) {
      await step().catch((error) => seen.push(String(error)));
      await pause(0.5);
    }
  })();
  return {
    seen,
    switchOff() {
      on = false;
    },
  };
};

/** The bed as it was: the host is the source's again. */
const giveBack = async () => {
  machine?.switchOff();
  const query = { all_tenants: true, host: HOST };
  await until('the host to be empty', async () => {
    const left = destination.list('compute', '/servers', 'servers', { query });
    return (await all(left)).length === 0;
  });
  await host('--stop', 'destination', HOST);
  // Nova refuses until the last server there is really gone.
  await until('the destination to let the host go', async () => {
    const there = await findComputeService(destination, HOST);
    if (there) await deleteService(destination, there).catch(() => {});
    return there === undefined;
  });
  await host('source', HOST);
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
  client = openStackClient(cloudsFile, 'destination');
  image = await makeImage(destination);
  flavor = await makeFlavor(destination);
  const { aggregate } = await destination.post<{ aggregate: { id: number } }>(
    ...(['compute', '/os-aggregates', { aggregate: { name: RUN } }] as const),
  );
  undo.push(() => destination.delete('compute', `/os-aggregates/${aggregate.id}`));
  before = await destinationNow();
  service = await runningService(
    ...['--clouds', cloudsFile, '--source', 'source', '--destination', 'destination'],
    ...['--provisioner', 'ironic', '--data', join(folder, 'data')],
  );
});

afterAll(async () => {
  await service?.stop();
  const maintenance = `/v1/nodes/${HOST}/maintenance`;
  const last = [
    giveBack,
    () => destination.put('baremetal', maintenance, { reason: RUN }),
    () => destination.delete('baremetal', `/v1/nodes/${HOST}`),
  ];
  for (const one of [...undo.reverse(), ...last])
    await one().catch((error) => console.error(String(error)));
  await client?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a host with a server', () => {
  let server: string;

  it('is refused while it is not evacuated, naming what is in the way', async () => {
    server = await boot(source, await makeImage(source), await makeFlavor(source));
    const answer = await fetch(`${service.url}/hosts/${HOST}`, { method: 'DELETE' });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain('1 of its servers');
  });

  it('is evacuated', async () => {
    events = await told(await fetch(`${service.url}/hosts/${HOST}`, { method: 'POST' }));
    expect(events.at(-1)?.data).toMatchObject({ id: HOST, status: '' });
    const moved = await getServer(source, server);
    expect([moved.status, moved['OS-EXT-SRV-ATTR:host'] === HOST]).toEqual(['ACTIVE', false]);
  });
});

describe('the evacuated host', () => {
  it('is enrolled, powered off, forgotten, installed and proven', async () => {
    const asked = fetch(`${service.url}/hosts/${HOST}`, { method: 'DELETE' });
    await until('Ironic to know the host', async () =>
      destination.get('baremetal', `/v1/nodes/${HOST}`).then(
        () => true,
        () => false,
      ),
    );
    machine = playMachine(HOST);
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

  it('takes a server that an operator boots on it', async () => {
    const server = await boot(destination, image, flavor);
    expect((await getServer(destination, server))['OS-EXT-SRV-ATTR:host']).toBe(HOST);
  });

  it('shows as available in the world', async () => {
    const { source: left, hosts, destination: there } = await world();
    expect(left.hosts.map(({ name }) => name)).not.toContain(HOST);
    expect(hosts).toEqual([]);
    expect(there.hosts).toContainEqual({ name: HOST, status: 'available' });
  });
});
