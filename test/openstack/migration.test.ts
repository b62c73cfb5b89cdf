/** The main job between two real clouds, through the service's own door. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOUD_NAMES, type CloudName } from '../../lib/domain/world.ts';
import { eventsOf, type StreamEvent } from '../support/event-stream.ts';
import { type RunningService, runningService } from '../support/running-service.ts';
import { exerciseCompare } from './compare-exercise.ts';
import { type OpenStackClient, openStackClient } from './openstack-client.ts';
import {
  bedClouds,
  compareRecords,
  recordTenant,
  removeSeed,
  type Seeded,
  seedTenant,
} from './programs.ts';

interface World {
  tenants: { id: string; name: string; status?: string }[];
  resources: { id: string; type: string; name?: string; tenant_id?: string; status?: string }[];
}
type Resources = Record<'source' | 'destination', World> & { events: string[] };
type Row = Record<string, string>;

let folder: string;
let clients: Record<CloudName, OpenStackClient>;
let seeded: Seeded;
let service: RunningService;
let leftoversBefore: string[];
const events: StreamEvent[] = [];
let destinationId: string;

const list = (cloud: CloudName, ...words: string[]) => clients[cloud].json<Row[]>(...words);

const start = () =>
  runningService(
    ...['--clouds', bedClouds(), '--source', 'source', '--destination', 'destination'],
    ...['--data', join(folder, 'data')],
  );

const resources = async () => (await (await fetch(`${service.url}/resources`)).json()) as Resources;

const migrate = (tenantId: string) =>
  fetch(`${service.url}/tenants/${tenantId}`, { method: 'POST' });

/** What our own user and project hold in both clouds: all that a migration may use and must not leave. */
const leftovers = async (): Promise<string[]> => {
  const found: string[] = [];
  for (const cloud of CLOUD_NAMES) {
    const [project] = await list(cloud, 'project', 'list', '--domain', 'default', '--my-projects');
    const ours = ['--project', String(project?.ID)];
    const kinds: Record<string, string[]> = {
      key: ['keypair', 'list'],
      server: ['server', 'list', ...ours],
      port: ['port', 'list', ...ours],
      group: ['security', 'group', 'list', ...ours],
      image: ['image', 'list', ...ours, '--private'],
      grant: ['role', 'assignment', 'list', '--user', 'admin', '--names'],
    };
    for (const [kind, words] of Object.entries(kinds)) {
      const rows = await list(cloud, ...words);
      found.push(...rows.map((row) => `${cloud} ${kind} ${row.ID ?? row.Name ?? row.Project}`));
    }
  }
  return found.sort();
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-bed-'));
  clients = {
    source: openStackClient(bedClouds(), 'source'),
    destination: openStackClient(bedClouds(), 'destination'),
  };
  seeded = await seedTenant();
  await writeFile(join(folder, 'before.json'), await recordTenant('source', seeded.tenant.id));
  leftoversBefore = await leftovers();
  service = await start();
});

afterAll(async () => {
  await service?.stop();
  for (const client of Object.values(clients ?? {})) await client.close();
  if (seeded) await removeSeed(seeded.run);
  await rm(folder, { recursive: true, force: true });
});

describe('the comparison of two records', () => {
  exerciseCompare(
    () => join(folder, 'before.json'),
    () => seeded,
  );
});

describe('a tenant that owns a volume', () => {
  it('is refused with 409 naming the volume', async () => {
    const response = await migrate(seeded.refused.id);
    const problem = await response.text();
    expect(response.status, problem).toBe(409);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(problem).toContain(seeded.refused.volume.id);
  });

  it('leaves no operation and nothing at the destination', async () => {
    const { source, events } = await resources();
    expect(events).toEqual([]);
    expect(source.tenants.find(({ id }) => id === seeded.refused.id)?.status).toBeUndefined();
    const domains = await list('destination', 'domain', 'list');
    expect(domains.map(({ Name }) => Name)).not.toContain(seeded.domain);
    expect(await leftovers()).toEqual(leftoversBefore);
  });
});

describe('a tenant of everything that is carried', () => {
  it('is in the world of the source before it moves', async () => {
    const { source } = await resources();
    expect(source.tenants).toContainEqual(expect.objectContaining(seeded.tenant));
    const servers = source.resources.filter(({ tenant_id }) => tenant_id === seeded.tenant.id);
    expect(servers.map(({ id }) => id)).toEqual(
      expect.arrayContaining(Object.values(seeded.servers)),
    );
  });

  it('migrates over HTTP, and its stream ends with tenant migrated and no error', async () => {
    const response = await migrate(seeded.tenant.id);
    const body = await response.text();
    expect(response.status, body).toBe(201);
    const location = response.headers.get('location') ?? '';
    expect(location).toMatch(/^\/events\/./);
    for await (const event of eventsOf(`${service.url}${location}`)) events.push(event);

    console.log(
      events.map(({ id, name, data }) => `${id} ${name} ${JSON.stringify(data)}`).join('\n'),
    );
    expect(events[0]).toMatchObject({ name: 'tenant migrate', data: { id: seeded.tenant.id } });
    expect(events.at(-1)).toMatchObject({
      name: 'tenant migrated',
      data: { id: seeded.tenant.id, status: '' },
    });
  });

  it('has told each event once', () => {
    const ids = events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['web', true],
    ['paused', false],
    ['suspended', false],
    ['off', false],
  ])('tells the story of server %s in its order', (name, suspended) => {
    const sourceId = seeded.servers[name];
    const at = (event: string, key: string, value: unknown) =>
      events.flatMap((e, index) => (e.name === event && e.data[key] === value ? [index] : []));
    const newId =
      events[at('server migrated', 'source_id', sourceId)[0] ?? -1]?.data.destination_id;
    const story = [
      at('server migrate', 'id', sourceId),
      ...(suspended ? [at('server suspended', 'id', sourceId)] : []),
      at('server boot', 'id', newId),
      at('server verified', 'id', newId),
      at('server terminate', 'id', sourceId),
      at('server migrated', 'source_id', sourceId),
    ].flat();
    expect(story).toHaveLength(suspended ? 6 : 5);
    expect(story).toEqual([...story].sort((a, b) => a - b));
    if (!suspended) expect(at('server suspended', 'id', sourceId)).toEqual([]);
    expect(at('server resumed', 'id', sourceId)).toEqual([]);
  });

  it('is at the destination as it was in the source, field by field', async () => {
    const found = await list('destination', 'project', 'list', '--domain', seeded.domain);
    destinationId = found.find(({ Name }) => Name === seeded.tenant.name)?.ID ?? '';
    expect(destinationId).not.toBe('');
    const [before, after] = ['before.json', 'after.json'].map((name) => join(folder, name));
    await writeFile(String(after), await recordTenant('destination', destinationId, before));
    const { equal, table } = await compareRecords(String(before), String(after));
    console.log(table);
    expect(equal, table).toBe(true);
  });

  it('has no server left in the source, and all its other things still there', async () => {
    const after = join(folder, 'source-after.json');
    await writeFile(
      after,
      await recordTenant('source', seeded.tenant.id, join(folder, 'before.json')),
    );
    const { table } = await compareRecords(join(folder, 'before.json'), after);
    const missing = table.split('\n').filter((line) => line.includes(': only in'));
    const servers = Object.keys(seeded.servers).map((name) => `${seeded.run}-${name}`);
    expect(missing.filter((line) => line.startsWith('differs: server')).sort()).toEqual(
      servers.map((name) => `differs: server ${name}: only in the source`).sort(),
    );
    // A port that Nova made goes with its server; nothing else of the tenant's may.
    expect(missing.filter((line) => !/^differs: (server|disk|port) /.test(line))).toEqual([]);
    expect(missing.filter((line) => line.startsWith('differs: port'))).toHaveLength(1);
  });

  it('leaves nothing temporary: no grant, no key, no snapshot', async () => {
    expect(await leftovers()).toEqual(leftoversBefore);
  });

  it('is in the world of the destination, and no operation runs', async () => {
    const { source, destination, events: running } = await resources();
    expect(running).toEqual([]);
    const { name } = seeded.tenant;
    expect(destination.tenants).toContainEqual({
      ...{ id: destinationId, name },
      description: 'Web shop, tenant of the tests',
    });
    const servers = (world: World, tenant: string) =>
      world.resources.filter(({ type, tenant_id }) => type === 'server' && tenant_id === tenant);
    expect(servers(source, seeded.tenant.id)).toEqual([]);
    expect(servers(destination, destinationId).map((server) => server.name)).toEqual(
      expect.arrayContaining(Object.keys(seeded.servers).map((n) => `${seeded.run}-${n}`)),
    );
    expect(servers(destination, destinationId).map(({ status }) => status)).toEqual(
      Object.keys(seeded.servers).map(() => undefined),
    );
  });
});
