/** A reset of two real clouds: what bears the prefix goes, whatever else is there stays. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOUD_NAMES, type CloudName } from '../../lib/domain/world.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { type RunningService, runningService } from '../support/running-service.ts';
import { type OpenStackClient, openStackClient } from './openstack-client.ts';
import { begun, toldOf } from './operation.ts';
import { bedClouds } from './programs.ts';

/** Of this run alone: the bed has other users. */
const PREFIX = `reset${randomBytes(3).toString('hex')}-`;

const WORKLOAD = `
external_network: public
workloads:
  roles: [{ name: operator }]
  flavors: [{ name: small, vcpus: 1, ram: 256, disk: 1 }]
  images: [{ name: image, size: 2 }]
  tenants:
    - name: shop
      users: [{ name: ann, keypair: ann-key }, { name: bob, role: operator }]
      networks: [{ name: front, cidr: 10.171.0.0/24 }]
      floating_ips: 1
      servers:
        - { name: web, floating_ip: true, volumes: [{ name: data, size: 1 }] }
        - { name: db }
`;

type Row = Record<string, string>;
interface Listed {
  type: string;
  id: string;
  name: string;
}

/** All that a reset could take: what each cloud has of it is compared before and after. */
const KINDS = [
  ...['project', 'domain', 'user', 'group', 'role', 'network', 'subnet', 'router', 'port'],
  ...['security group', 'floating ip', 'image', 'flavor', 'keypair', 'server', 'volume'],
];
const WHOLE: Record<string, string[]> = {
  ...{ flavor: ['--all'], server: ['--all-projects'], volume: ['--all-projects'] },
};

let folder: string;
let service: RunningService;
const clients = {} as Record<CloudName, OpenStackClient>;
let stranger: Row;
let address: Row;
let before: string[];

const start = async (workload?: string) => {
  const file = join(folder, 'workload.yaml');
  if (workload) await writeFile(file, workload);
  service = await runningService(
    ...['--clouds', bedClouds(), '--source', 'source', '--destination', 'destination'],
    ...['--data', join(folder, 'data'), '--reset', '--reset-prefix', PREFIX],
    ...(workload ? ['--workload', file] : []),
  );
};

const everything = async (): Promise<string[]> => {
  const found: string[] = [];
  for (const cloud of CLOUD_NAMES) {
    for (const kind of KINDS) {
      const words = [...kind.split(' '), 'list', ...(WHOLE[kind] ?? [])];
      const rows = await clients[cloud].json<Row[]>(...words);
      found.push(...rows.map(({ ID, Name }) => `${cloud} ${kind} ${ID ?? Name}`));
    }
  }
  return found.sort();
};

const source = <T = Row>(...words: string[]) => clients.source.json<T>(...words);
const destination = <T = Row>(...words: string[]) => clients.destination.json<T>(...words);

const post = (body?: object) =>
  fetch(`${service.url}/reset`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    ...(body && { body: JSON.stringify(body) }),
  });

const dryRun = async () =>
  (await (await post({ dry_run: true })).json()) as Record<CloudName, { remove: Listed[] }>;

const reset = async (): Promise<StreamEvent[]> => {
  const events = await toldOf(service, await begun(await post()));
  const ends = events.filter(({ name }) => name === 'reset completed');
  expect(ends.map(({ data }) => [data.cloud, data.status, data.reason])).toEqual([
    ['source', '', undefined],
    ['destination', '', undefined],
  ]);
  return events;
};

const gone = (events: StreamEvent[], cloud: CloudName) =>
  events
    .filter(({ name }) => / (delete|removed|terminate)$/.test(name))
    .filter(({ data }) => data.cloud === cloud)
    .map(({ data }) => String(data.name))
    .sort();

const names = (list: Listed[]) => list.map(({ name }) => name).sort();

const projectId = async (name: string) => String((await source('project', 'show', name)).id);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-bed-'));
  clients.source = openStackClient(bedClouds(), 'source');
  clients.destination = openStackClient(bedClouds(), 'destination');
  before = await everything();
  await start(WORKLOAD);
});

afterAll(async () => {
  await service?.stop();
  if (address) await clients.source.run('floating', 'ip', 'delete', String(address.id));
  if (stranger) await clients.source.run('project', 'delete', String(stranger.id));
  await Promise.all(Object.values(clients).map((client) => client.close()));
  await rm(folder, { recursive: true, force: true });
});

describe('a reset of real clouds', () => {
  it('populates the source with servers that run, whatever bore the prefix before', async () => {
    const events = await reset();
    expect(events.filter(({ name }) => name === 'server boot')).toHaveLength(2);
    const ours = ['--all-projects', '--project', await projectId(`${PREFIX}shop`)];
    const servers = await source<Row[]>('server', 'list', ...ours);
    expect(servers.map(({ Name, Status }) => `${Name} ${Status}`).sort()).toEqual([
      `${PREFIX}db ACTIVE`,
      `${PREFIX}web ACTIVE`,
    ]);
  });

  it('takes away what a dry run lists, with all that hangs on it, and leaves what only looks alike', async () => {
    const shop = await projectId(`${PREFIX}shop`);
    const network = await source('network', 'show', `${PREFIX}front`);
    const own = ['--project', shop, '--network', String(network.id)];
    await source('port', 'create', ...own, 'made-before');
    const route = ['--route', 'destination=192.168.9.0/24,gateway=10.171.0.9'];
    await clients.source.run('router', 'set', ...route, `${PREFIX}shop-router`);
    const [server] = await source<Row[]>(
      'server',
      'list',
      '--all-projects',
      '--name',
      `${PREFIX}db`,
    );
    const [port] = await source<Row[]>('port', 'list', '--server', String(server?.ID));
    stranger = await source('project', 'create', `my-${PREFIX}shop`);
    address = await source('floating', 'ip', 'create', 'public', '--port', String(port?.ID));
    const there = String((await destination('project', 'create', `${PREFIX}there`)).id);
    await destination('security', 'group', 'create', '--project', there, 'web');
    await destination('network', 'create', '--project', there, 'inner');
    await destination('domain', 'create', `${PREFIX}corp`);

    const would = await dryRun();
    await service.stop();
    await start();
    const events = await reset();
    expect(gone(events, 'source')).toEqual(names(would.source.remove));
    expect(gone(events, 'destination')).toEqual(names(would.destination.remove));
    expect(await dryRun()).toMatchObject({
      source: { remove: [], make: [] },
      destination: { remove: [], make: [] },
    });
  });

  it('is seen by the OpenStack client to have left the clouds as they were, and the stranger', async () => {
    const left = await source('floating', 'ip', 'show', String(address.id));
    expect(left.port_id ?? null).toBeNull();
    // Neutron keeps a port for an address, which belongs to nobody.
    const own = await source<Row[]>('port', 'list', '--device-id', String(address.id));
    const strangers = [
      ...[`source project ${stranger.id}`, `source floating ip ${address.id}`],
      ...own.map(({ ID }) => `source port ${ID}`),
    ];
    expect(await everything()).toEqual([...before, ...strangers].sort());
  });
});
