import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openYard } from './machine.ts';
import { type Body, type Session, underContract, unique } from './session.ts';

const { cloud, after } = underContract();

const call = (who: Session, method: string, path: string, body?: unknown, version = '2.93') =>
  who.call(method, 'compute', path, body === undefined ? { version } : { body, version });
const admin = (method: string, path: string, body?: unknown, version?: string) =>
  call(cloud.admin, method, path, body, version);
const member = (method: string, path: string, body?: unknown, version?: string) =>
  call(cloud.member, method, path, body, version);

const UNKNOWN = '11111111-2222-4333-8444-555555555555';
const SIZE = { ram: 64, vcpus: 1, disk: 1 };

async function flavor(fields: object = {}): Promise<Body> {
  const body = { flavor: { name: unique('flavor'), ...SIZE, ...fields } };
  const answer = await admin('POST', '/flavors', body);
  expect(answer.status, answer.text).toBe(200);
  after.add(() => admin('DELETE', `/flavors/${answer.body.flavor.id}`));
  return answer.body.flavor;
}

describe('flavors', () => {
  test('have all their fields, and fewer of them in old microversions', async () => {
    const made = await flavor({ description: 'd', 'OS-FLV-EXT-DATA:ephemeral': 2 });
    const { body } = await admin('GET', `/flavors/${made.id}`);
    expect(body.flavor).toMatchObject({
      ...SIZE,
      swap: 0,
      'OS-FLV-EXT-DATA:ephemeral': 2,
      'OS-FLV-DISABLED:disabled': false,
      'os-flavor-access:is_public': true,
      rxtx_factor: 1,
      description: 'd',
      extra_specs: {},
    });
    const old = await admin('GET', `/flavors/${made.id}`, undefined, '2.1');
    expect(old.body.flavor.swap).toBe('');
    expect(old.body.flavor).not.toHaveProperty('description');
    expect(old.body.flavor).not.toHaveProperty('extra_specs');
  });

  test('keep a chosen id; name and id are taken once', async () => {
    const id = unique('id');
    const made = await flavor({ id });
    expect(made.id).toBe(id);
    const again = await admin('POST', '/flavors', { flavor: { ...SIZE, name: made.name } });
    expect(again.status).toBe(409);
    const same = await admin('POST', '/flavors', { flavor: { ...SIZE, name: 'other', id } });
    expect(same.status).toBe(409);
    expect((await admin('DELETE', `/flavors/${id}`)).status).toBe(202);
    const gone = await admin('GET', `/flavors/${id}`);
    expect([gone.status, Object.keys(gone.body)[0]]).toEqual([404, 'itemNotFound']);
  });

  test('are refused without a size with 400, and to members with 403', async () => {
    const fields = { flavor: { name: unique('flavor'), vcpus: 1, disk: 1 } };
    const bad = await admin('POST', '/flavors', fields);
    expect([bad.status, Object.keys(bad.body)[0]]).toEqual([400, 'badRequest']);
    const refused = await member('POST', '/flavors', { flavor: { name: 'x', ...SIZE } });
    expect([refused.status, Object.keys(refused.body)[0]]).toEqual([403, 'forbidden']);
  });

  test('carry extra specs', async () => {
    const { id } = await flavor();
    const path = `/flavors/${id}/os-extra_specs`;
    const set = await admin('POST', path, { extra_specs: { 'hw:cpu_policy': 'shared' } });
    expect(set.body.extra_specs).toEqual({ 'hw:cpu_policy': 'shared' });
    expect((await admin('GET', path)).body.extra_specs).toEqual({ 'hw:cpu_policy': 'shared' });
    expect((await admin('DELETE', `${path}/hw:cpu_policy`)).status).toBe(200);
    expect((await admin('DELETE', `${path}/hw:cpu_policy`)).status).toBe(404);
  });

  test('that are private exist for the projects that have access', async () => {
    const { id } = await flavor({ 'os-flavor-access:is_public': false });
    const tenant = cloud.member.projectId;
    expect((await member('GET', `/flavors/${id}`)).status).toBe(404);
    const added = await admin('POST', `/flavors/${id}/action`, { addTenantAccess: { tenant } });
    expect(added.body.flavor_access).toEqual([{ flavor_id: id, tenant_id: tenant }]);
    const twice = await admin('POST', `/flavors/${id}/action`, { addTenantAccess: { tenant } });
    expect(twice.status).toBe(409);
    expect((await member('GET', `/flavors/${id}`)).status).toBe(200);
    const list = await admin('GET', `/flavors/${id}/os-flavor-access`);
    expect(list.body.flavor_access).toHaveLength(1);
    const remove = { removeTenantAccess: { tenant } };
    expect((await admin('POST', `/flavors/${id}/action`, remove)).status).toBe(200);
    expect((await admin('POST', `/flavors/${id}/action`, remove)).status).toBe(404);
    const all = await admin('GET', '/flavors/detail?is_public=None');
    expect(all.body.flavors.map((one: Body) => one.id)).toContain(id);
    const open = await admin('GET', '/flavors/detail');
    expect(open.body.flavors.map((one: Body) => one.id)).not.toContain(id);
  });

  test('that are public have no access list', async () => {
    const { id } = await flavor();
    expect((await admin('GET', `/flavors/${id}/os-flavor-access`)).status).toBe(404);
  });

  test('page by limit and marker', async () => {
    await flavor();
    await flavor();
    const first = await admin('GET', '/flavors?limit=1');
    expect(first.body.flavors).toHaveLength(1);
    expect(first.body.flavors_links[0].rel).toBe('next');
    const marker = first.body.flavors[0].id;
    const second = await admin('GET', `/flavors?limit=1&marker=${marker}`);
    expect(second.body.flavors[0].id).not.toBe(marker);
    expect((await admin('GET', '/flavors?marker=nope')).status).toBe(400);
  });
});

function publicKey(): string {
  const length = (size: number) => Buffer.from([0, 0, 0, size]);
  const parts = [length(11), Buffer.from('ssh-ed25519'), length(32), randomBytes(32)];
  return `ssh-ed25519 ${Buffer.concat(parts).toString('base64')} contract`;
}

describe('keypairs', () => {
  test('belong to a user, and admins make and read those of others', async () => {
    const name = unique('key');
    const key = publicKey();
    const made = await member('POST', '/os-keypairs', {
      keypair: { name, public_key: key, type: 'ssh' },
    });
    expect(made.status).toBe(201);
    expect(made.body.keypair).toMatchObject({
      name,
      type: 'ssh',
      public_key: key,
      user_id: cloud.member.userId,
    });
    expect(made.body.keypair.fingerprint).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){15}$/);
    expect((await admin('GET', `/os-keypairs/${name}`)).status).toBe(404);
    const user = `user_id=${cloud.member.userId}`;
    const shown = await admin('GET', `/os-keypairs/${name}?${user}`);
    expect(shown.body.keypair).toMatchObject({ name, public_key: key });
    const list = await admin('GET', `/os-keypairs?${user}`);
    expect(list.body.keypairs.map((one: Body) => one.keypair.name)).toContain(name);
    const other = unique('key');
    const forMember = { name: other, public_key: publicKey(), user_id: cloud.member.userId };
    expect((await admin('POST', '/os-keypairs', { keypair: forMember })).status).toBe(201);
    expect((await member('GET', `/os-keypairs/${other}`)).status).toBe(200);
    expect((await admin('DELETE', `/os-keypairs/${other}?${user}`)).status).toBe(204);
    expect((await member('DELETE', `/os-keypairs/${name}`)).status).toBe(204);
    expect((await member('DELETE', `/os-keypairs/${name}`)).status).toBe(404);
  });

  test('are refused twice with 409, as nonsense or without a key with 400', async () => {
    const keypair = { name: unique('key'), public_key: publicKey() };
    expect((await member('POST', '/os-keypairs', { keypair })).status).toBe(201);
    expect((await member('POST', '/os-keypairs', { keypair })).status).toBe(409);
    const junk = { ...keypair, name: 'junk', public_key: 'junk' };
    expect((await member('POST', '/os-keypairs', { keypair: junk })).status).toBe(400);
    const none = { keypair: { name: 'none' } };
    expect((await member('POST', '/os-keypairs', none)).status).toBe(400);
    await member('DELETE', `/os-keypairs/${keypair.name}`);
  });

  test('of others are closed to a member', async () => {
    const answer = await member('GET', `/os-keypairs?user_id=${cloud.admin.userId}`);
    expect(answer.status).toBe(403);
  });
});

describe('server groups', () => {
  test('have one policy since 2.64, a list of them before', async () => {
    const name = unique('group');
    const made = await member('POST', '/os-server-groups', {
      server_group: { name, policy: 'anti-affinity' },
    });
    expect(made.status).toBe(200);
    const { id } = made.body.server_group;
    expect(made.body.server_group).toMatchObject({
      name,
      policy: 'anti-affinity',
      rules: {},
      members: [],
      project_id: cloud.member.projectId,
    });
    const old = await member('GET', `/os-server-groups/${id}`, undefined, '2.60');
    expect(old.body.server_group).toMatchObject({ policies: ['anti-affinity'], metadata: {} });
    const all = await admin('GET', '/os-server-groups?all_projects=1');
    expect(all.body.server_groups.map((one: Body) => one.id)).toContain(id);
    const mine = await admin('GET', '/os-server-groups');
    expect(mine.body.server_groups.map((one: Body) => one.id)).not.toContain(id);
    expect((await member('DELETE', `/os-server-groups/${id}`)).status).toBe(204);
    expect((await member('GET', `/os-server-groups/${id}`)).status).toBe(404);
  });
});

describe('quotas', () => {
  const path = () => `/os-quota-sets/${cloud.member.projectId}`;

  test('are read, set and set back', async () => {
    const before = await admin('GET', path());
    expect(before.body.quota_set).toMatchObject({
      id: cloud.member.projectId,
      key_pairs: 100,
      metadata_items: 128,
    });
    const set = await admin('PUT', path(), { quota_set: { instances: 7 } });
    expect(set.body.quota_set.instances).toBe(7);
    expect((await member('GET', path())).body.quota_set.instances).toBe(7);
    const limits = await member('GET', '/limits');
    expect(limits.body.limits.absolute).toMatchObject({
      maxTotalInstances: 7,
      totalInstancesUsed: 0,
    });
    const detail = await admin('GET', `${path()}/detail`);
    expect(detail.body.quota_set.instances).toEqual({ limit: 7, in_use: 0, reserved: 0 });
    expect((await admin('DELETE', path())).status).toBe(202);
    const now = await admin('GET', path());
    expect(now.body.quota_set.instances).toBe(before.body.quota_set.instances);
  });

  test('refuse nonsense with 400 and members with 403', async () => {
    expect((await admin('PUT', path(), { quota_set: { instances: -5 } })).status).toBe(400);
    expect((await admin('PUT', path(), { quota_set: { foo: 5 } })).status).toBe(400);
    expect((await member('PUT', path(), { quota_set: { instances: 5 } })).status).toBe(403);
  });
});

describe('hosts', () => {
  const computes = async (version = '2.93') =>
    (await admin('GET', '/os-services?binary=nova-compute', undefined, version)).body.services;

  test('are services with a uuid from 2.53 on, with a number before', async () => {
    const [service] = await computes();
    expect(service).toMatchObject({
      binary: 'nova-compute',
      zone: 'nova',
      state: 'up',
      forced_down: false,
    });
    expect(service.id).toMatch(/^[0-9a-f-]{36}$/);
    const [old] = await computes('2.1');
    expect(typeof old.id).toBe('number');
    expect((await member('GET', '/os-services')).status).toBe(403);
  });

  test('are disabled with a reason and enabled again', async () => {
    const service = (await computes()).at(-1);
    const path = `/os-services/${service.id}`;
    const off = await admin('PUT', path, { status: 'disabled', disabled_reason: 'contract' });
    expect(off.status).toBe(200);
    expect(off.body.service).toMatchObject({ status: 'disabled', disabled_reason: 'contract' });
    const on = await admin('PUT', path, { status: 'enabled' });
    expect(on.body.service).toMatchObject({ status: 'enabled', disabled_reason: null });
    expect((await admin('PUT', path, {})).status).toBe(400);
    expect((await admin('PUT', path, { status: 'bogus' })).status).toBe(400);
    expect((await member('PUT', path, { status: 'enabled' })).status).toBe(403);
    expect((await admin('PUT', '/os-services/nope', { status: 'enabled' })).status).toBe(400);
    const unknown = await admin('PUT', `/os-services/${UNKNOWN}`, { status: 'enabled' });
    expect(unknown.status).toBe(404);
  });

  test('with servers on them are not deleted', async () => {
    const yard = await openYard(cloud);
    try {
      await yard.boot();
      const hypervisors = await admin('GET', '/os-hypervisors?with_servers=true');
      const busy = hypervisors.body.hypervisors.find((one: Body) => one.servers?.length > 0);
      const service = (await computes()).find((one: Body) => one.host === busy.hypervisor_hostname);
      expect((await admin('DELETE', `/os-services/${service.id}`)).status).toBe(409);
    } finally {
      await yard.clear();
    }
  });

  test('are hypervisors, with their load until 2.87', async () => {
    const { body } = await admin('GET', '/os-hypervisors/detail');
    const [first] = body.hypervisors;
    expect(first).toMatchObject({ state: 'up', status: 'enabled', uptime: null });
    expect(first.service.host).toBe(first.hypervisor_hostname);
    expect(first).not.toHaveProperty('vcpus');
    const old = await admin('GET', '/os-hypervisors/detail', undefined, '2.53');
    expect(old.body.hypervisors[0]).toMatchObject({ vcpus: 64, memory_mb: 131_072 });
    expect(old.body.hypervisors[0]).toHaveProperty('running_vms');
    const name = first.hypervisor_hostname;
    const found = await admin('GET', `/os-hypervisors?hypervisor_hostname_pattern=${name}`);
    expect(found.body.hypervisors[0].id).toBe(first.id);
    expect((await admin('GET', `/os-hypervisors/${UNKNOWN}`)).status).toBe(404);
    expect((await member('GET', '/os-hypervisors')).status).toBe(403);
  });

  test('are in a zone, and aggregates are listed', async () => {
    const zones = await member('GET', '/os-availability-zone');
    expect(zones.body.availabilityZoneInfo).toContainEqual({
      zoneName: 'nova',
      zoneState: { available: true },
      hosts: null,
    });
    const aggregates = await admin('GET', '/os-aggregates');
    expect(Array.isArray(aggregates.body.aggregates)).toBe(true);
  });
});
