/**
 * Hosts of a real cloud are emptied, through the service's own door: one with servers in every state,
 * while a schedule empties a second one and a third boots and deletes all the while; then one that
 * stays blocked, and one that is undone. What became of each server, the OpenStack client says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCloud } from '../../lib/openstack/cloud.ts';
import { loadCloud } from '../../lib/openstack/clouds-yaml.ts';
import type { Cloud } from '../../lib/ports.ts';
import { getServer } from '../../lib/resources/server.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { type RunningService, runningService } from '../support/running-service.ts';
import { type BedTenant, type BedTenants, bedTenants, untilStatus } from './bed-tenants.ts';
import { type OpenStackClient, openStackClient } from './openstack-client.ts';
import { begun, toldOf } from './operation.ts';
import { bedClouds } from './programs.ts';
import { differences, recordServers, type ServerRecords } from './server-record.ts';
import { until } from './until.ts';

/** The host of every state, the one that a schedule empties beside it, and the one where everything goes. */
const [FULL, SECOND, THIRD] = ['src-compute-1', 'src-compute-2', 'src-compute-3'] as const;
const HOSTS = [FULL, SECOND, THIRD];

/** Seconds of a live migration that does not end by itself while the test runs. */
const ENDLESS = '3600';

const FAULT = 'bed_fault=live-migration';

const BY_HAND = ['error', 'rescued', 'resized'];
const MOVED = ['active', 'paused', 'suspended', 'off', 'locked'];
/** On no host: in nobody's way. */
const NOWHERE = ['shelved', 'unborn'];

const LIVE = ['server live migration', 'server live migrated'];
const COLD = ['server cold migration', 'server cold migrated'];
const FAILED = ['server live migration', 'server live migration failed'];

/** What is told of each server, beside its progress. */
const STORIES: Record<string, string[]> = {
  ...{ active: LIVE, paused: LIVE, off: COLD, locked: COLD },
  suspended: [
    ...['server woken', 'server live migration'],
    ...['server suspended again', 'server live migrated'],
  ],
  failing: [...FAILED, ...FAILED],
  ...Object.fromEntries(BY_HAND.map((name) => [name, ['server not moved']])),
  ...Object.fromEntries(NOWHERE.map((name) => [name, []])),
};

interface World {
  source: { hosts: { name: string; status?: string; schedules?: string[] }[] };
  events: string[];
}
interface Schedule {
  last?: { operation: string };
}
interface Shown {
  state: string;
  status?: string;
  reason?: string;
  servers: { id: string; name: string; state: string; reason?: string; by_hand?: boolean }[];
}

let folder: string;
let source: Cloud;
let client: OpenStackClient;
let service: RunningService;
let tenants: BedTenants;
let other: BedTenant;
/** Of the full host, by name. */
const servers: Record<string, string> = {};
const beside: Record<string, string> = {};
let before: ServerRecords;
let events: StreamEvent[];
let operation: string;
let schedule: string;
/** The operation that the schedule has begun. */
let scheduled: string;

const idsOf = (...names: string[]) => names.map((name) => servers[name] ?? '');

const get = async <T>(path: string) => (await (await fetch(`${service.url}${path}`)).json()) as T;

const evacuate = (host: string, body: object = {}) =>
  fetch(`${service.url}/hosts/${host}`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  });

const act = (name: string, action: string, value: unknown = null) =>
  source.post('compute', `/servers/${servers[name]}/action`, { [action]: value });

const become = async (name: string, status: string, action: string, value?: unknown) => {
  await act(name, action, value);
  await untilStatus(source, idsOf(name), status);
};

/** As the OpenStack client shows the hosts: `enabled` or `disabled`, by name. */
const hostsNow = async (): Promise<Record<string, string>> => {
  const words = ['compute', 'service', 'list', '--service', 'nova-compute'];
  const rows = await client.json<{ Host: string; Status: string }[]>(...words);
  return Object.fromEntries(rows.map(({ Host, Status }) => [Host, Status]));
};

const openHost = async (host: string) => {
  const { code, err } = await client.run(
    ...['compute', 'service', 'set', '--enable', host, 'nova-compute'],
  );
  expect(code, err).toBe(0);
};

const shownHosts = async () => {
  const { source: shown } = await get<World>('/resources');
  return Object.fromEntries(shown.hosts.map(({ name, status }) => [name, status]));
};

const shownSchedules = async () => {
  const { source: shown } = await get<World>('/resources');
  return shown.hosts.find(({ name }) => name === SECOND)?.schedules;
};

const hostsOf = (records: ServerRecords) =>
  Object.fromEntries(Object.values(records).map(({ name, host }) => [name, host]));

const pick = (records: ServerRecords, ids: string[]): ServerRecords =>
  Object.fromEntries(Object.entries(records).filter(([id]) => ids.includes(id)));

/** What is told of one server, in its order. */
const storyOf = (id: string | undefined) =>
  events
    .filter(({ name, data }) => data.id === id && name !== 'operation progress')
    .map(({ name }) => name);

const last = () => events.at(-1)?.data ?? {};

/** Boots servers on the full host and brings each into its state; all at once, as far as Nova takes it. */
const fill = async () => {
  const [first, second] = [await tenants.add('shop'), await tenants.add('bank')];
  const on = (host: string) => ({ host });
  const port = await first.port({ name: 'made before', description: 'the first NIC' });
  const boot = async (tenant: BedTenant, name: string, more: object = on(FULL)) => {
    servers[name] = await tenant.boot(name, more);
  };
  const extras = { metadata: { role: 'web', owner: 'shop, inc.' }, tags: ['front', 'v7'] };
  await boot(first, 'active', {
    ...{ ...on(FULL), ...extras, description: 'front of the shop' },
    networks: [{ port }],
  });
  for (const name of MOVED.slice(1)) await boot(first, name);
  for (const name of ['error', 'rescued', 'shelved']) await boot(second, name);
  await boot(second, 'failing', { ...on(FULL), metadata: { bed_fault: 'live-migration' } });
  await boot(second, 'unborn', { ...on(FULL), metadata: { bed_fault: 'spawn' } });
  await boot(second, 'resized', on(THIRD));
  const unborn = idsOf('unborn');
  const all = Object.values(servers).filter((id) => !unborn.includes(id));
  await untilStatus(source, all, 'ACTIVE');
  await untilStatus(source, unborn, 'ERROR');
  await Promise.all([
    become('paused', 'PAUSED', 'pause'),
    become('suspended', 'SUSPENDED', 'suspend').then(() => act('suspended', 'lock')),
    become('off', 'SHUTOFF', 'os-stop'),
    become('locked', 'SHUTOFF', 'os-stop').then(() =>
      act('locked', 'lock', { locked_reason: 'hands off' }),
    ),
    become('error', 'ERROR', 'os-resetState', { state: 'error' }),
    become('rescued', 'RESCUE', 'rescue'),
    become('shelved', 'SHELVED_OFFLOADED', 'shelve'),
    become('resized', 'VERIFY_RESIZE', 'migrate', { host: FULL }),
  ]);
};

/** Boots and deletes on the third host until it is told to stop. */
const beginLoad = () => {
  let on = true;
  let count = 0;
  const done = (async () => {
    while (on) {
      const id = await other.boot(`passing-${count}`, { host: THIRD });
      await untilStatus(source, [id], 'ACTIVE');
      await source.delete('compute', `/servers/${id}`);
      count += 1;
    }
    return count;
  })();
  done.catch(() => {});
  return {
    /** Once the first is booted; throws when that has failed. */
    isOn: async () => Promise.race([done.then(() => false), Promise.resolve(count > 0)]),
    /** Answers how many there were. */
    async end() {
      on = false;
      return done;
    },
  };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-bed-'));
  source = openCloud(loadCloud(bedClouds(), 'source'), 'source');
  client = openStackClient(bedClouds(), 'source');
  tenants = await bedTenants(source, 'evacuate');
  other = await tenants.add('batch');
  for (const name of ['batch-1', 'batch-2', 'endless']) {
    const metadata = name === 'endless' ? { bed_seconds: ENDLESS } : {};
    beside[name] = await other.boot(name, { host: SECOND, metadata });
  }
  await fill();
  const { endless = '', ...off } = beside;
  await untilStatus(source, [endless, ...Object.values(off)], 'ACTIVE');
  for (const id of Object.values(off)) {
    await source.post('compute', `/servers/${id}/action`, { 'os-stop': null });
  }
  await untilStatus(source, Object.values(off), 'SHUTOFF');
  before = await recordServers(client, [...Object.values(servers), ...Object.values(beside)]);
  service = await runningService(
    ...['--clouds', bedClouds(), '--source', 'source', '--destination', 'destination'],
    ...['--data', join(folder, 'data')],
  );
});

afterAll(async () => {
  await service?.stop();
  for (const host of HOSTS) await openHost(host).catch((error) => console.error(String(error)));
  await client?.close();
  await tenants?.remove();
  await rm(folder, { recursive: true, force: true });
});

describe('a host that is to be emptied by a schedule', () => {
  it('shows the schedule beside it in the world before it is due', async () => {
    const at = new Date(Date.now() + 10_000).toISOString();
    const answer = await evacuate(SECOND, { schedule: { at }, target: THIRD, parallel: 2 });
    const place = answer.headers.get('location');
    schedule = await begun(answer);
    expect(place).toBe(`/schedules/${schedule}`);
    expect(await shownSchedules()).toEqual([schedule]);
  });

  it('is evacuated when it is due', async () => {
    await until('the schedule to be served', async () => {
      const { last: served } = await get<Schedule>(`/schedules/${schedule}`);
      scheduled = served?.operation ?? '';
      return scheduled !== '';
    });
    const { endless = '' } = beside;
    await until('a server to be on its way', async () => {
      return (await getServer(source, endless)).status === 'MIGRATING';
    });
    expect(await shownSchedules()).toBeUndefined();
    expect((await shownHosts())[SECOND]).toBe('evacuation');
  });
});

describe('a host with servers in every state, while that one is emptied and a third boots and deletes', () => {
  it('has a plan that says of each server how it will leave, or what to do by hand', async () => {
    const plan = await get<{
      servers: { id: string; name: string; steps: string[]; by_hand?: string }[];
      blocks: unknown[];
    }>(`/hosts/${FULL}/plan`);
    expect(plan.blocks).toEqual([]);
    const lines = plan.servers.map(({ name, steps, by_hand }) =>
      [name, ...steps, ...(by_hand ? ['by hand'] : [])].join(', '),
    );
    expect(lines.sort()).toEqual(
      [
        ...['active', 'paused', 'failing'].map((name) => `${name}, live migration`),
        ...['off', 'locked'].map((name) => `${name}, cold migration, confirmation`),
        'suspended, resume, live migration, suspend',
        ...BY_HAND.map((name) => `${name}, by hand`),
      ].sort(),
    );
  });

  it('is evacuated as far as Nova moves servers', async () => {
    const load = beginLoad();
    await until('the third host to be at work', load.isOn);
    operation = await begun(await evacuate(FULL));
    expect(await shownHosts()).toEqual({
      ...{ [FULL]: 'evacuation', [SECOND]: 'evacuation', [THIRD]: 'available' },
    });
    events = await toldOf(service, operation);
    const { events: running } = await get<World>('/resources');
    console.log(`${await load.end()} servers booted and deleted on ${THIRD} meanwhile`);
    expect(running).toEqual([scheduled]);
    expect(last()).toMatchObject({ id: FULL, status: 'error' });
  });

  it('has told of its beginning, its block, its opening and its end, once each and in this order', () => {
    const ofHost = events.filter(({ data }) => data.id === FULL).map(({ name }) => name);
    expect(ofHost).toEqual(['host evacuate', 'host block', 'host unblock', 'host evacuated']);
    expect(events.at(-1)?.name).toBe('host evacuated');
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });

  it.each(Object.entries(STORIES))('has told of server %s: %j', (name, story) => {
    expect(storyOf(servers[name])).toEqual(story);
  });

  it('has not kept the other one from its end, once the last migration there is forced', async () => {
    const { endless = '' } = beside;
    const version = ['--os-compute-api-version', '2.90'];
    const list = [...version, 'server', 'migration', 'list', '--server', endless];
    const [migration] = await client.json<{ Id: number }[]>(...list);
    const { code, err } = await client.run(
      ...[...version, 'server', 'migration', 'force', 'complete'],
      ...[endless, String(migration?.Id)],
    );
    expect(code, err).toBe(0);
    const told = await toldOf(service, scheduled);
    expect(told[0]).toMatchObject({ name: 'host evacuate', data: { id: SECOND, schedule } });
    expect(told.at(-1)).toMatchObject({ name: 'host evacuated', data: { id: SECOND, status: '' } });
  });

  it('leaves every server of both hosts as it was but for its host', async () => {
    expect(Object.keys(before[servers.active ?? '']?.fields ?? {})).toEqual(
      expect.arrayContaining([
        ...['status', 'locked', 'OS-EXT-STS:power_state', 'addresses', 'properties', 'tags'],
        ...['flavor', 'image', 'user_id', 'security_groups', 'description', 'port 0', 'disk'],
      ]),
    );
    const after = await recordServers(client, Object.keys(before));
    expect(differences(before, after)).toEqual([]);
    const stays = [...BY_HAND, 'failing'].map((name) => [name, FULL]);
    const gone = [...MOVED, ...Object.keys(beside)].map((name) => [name, THIRD]);
    const nowhere = NOWHERE.map((name) => [name, '']);
    expect(hostsOf(after)).toEqual(Object.fromEntries([...stays, ...gone, ...nowhere]));
  });

  it('names each server that is left, with its reason, and what is to be done by hand', async () => {
    const shown = await get<Shown>(`/migrations/${operation}`);
    const left = shown.servers.filter(({ state }) => state !== 'moved');
    expect(left.map(({ name }) => name)).toEqual([...BY_HAND, 'failing'].sort());
    for (const { name, state, reason, by_hand } of left) {
      expect([name, state, by_hand ?? false]).toEqual([name, 'failed', BY_HAND.includes(name)]);
      expect(last().reason).toContain(`${name} (${reason})`);
    }
    const reasons = Object.fromEntries(left.map(({ name, reason }) => [name, reason]));
    expect(reasons).toEqual({
      error: expect.stringContaining('openstack server set --state active'),
      failing: expect.stringContaining('failed'),
      rescued: expect.stringContaining('openstack server unrescue'),
      resized: expect.stringContaining('confirm or revert its resize'),
    });
  });

  it('is open again, and the one that is empty stays blocked', async () => {
    expect(await hostsNow()).toEqual({
      ...{ [FULL]: 'enabled', [SECOND]: 'disabled', [THIRD]: 'enabled' },
    });
    expect(await shownHosts()).toEqual({
      ...{ [FULL]: 'available', [SECOND]: 'blocked', [THIRD]: 'available' },
    });
  });
});

describe('a host that cannot be emptied', () => {
  it('stays blocked when that was asked for', async () => {
    operation = await begun(await evacuate(FULL, { keep_blocked: true, on_error: 'stop' }));
    events = await toldOf(service, operation);
    expect(last()).toMatchObject({ id: FULL, status: 'error' });
    expect(events.map(({ name }) => name)).not.toContain('host unblock');
    expect((await hostsNow())[FULL]).toBe('disabled');
    expect((await shownHosts())[FULL]).toBe('blocked');
    await openHost(FULL);
  });

  it('gets back what had left it, and is open again, when it was to be undone', async () => {
    const { active = '' } = servers;
    const gone = [...Object.values(beside), ...idsOf('paused', 'off')];
    for (const id of gone) await source.delete('compute', `/servers/${id}`);
    const left = ['active', 'suspended', 'locked'];
    const set = await client.run('server', 'set', '--property', FAULT, active);
    operation = await begun(await evacuate(THIRD, { on_error: 'undo', parallel: 10 }));
    events = await toldOf(service, operation);
    const mended = await client.run('server', 'unset', '--property', 'bed_fault', active);
    expect([set.code, mended.code]).toEqual([0, 0]);
    expect(last()).toMatchObject({ id: THIRD, status: 'error' });
    expect(last().reason).toContain('it was undone');
    const shown = await get<Shown>(`/migrations/${operation}`);
    expect(shown.servers.map(({ state }) => state)).toContain('returned');
    const after = await recordServers(client, idsOf(...left));
    expect(differences(pick(before, idsOf(...left)), after)).toEqual([]);
    expect(hostsOf(after)).toEqual(Object.fromEntries(left.map((name) => [name, THIRD])));
    expect((await hostsNow())[THIRD]).toBe('enabled');
  });
});
