import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_BYTES, openYard, type Yard } from './machine.ts';
import { type Body, underContract, unique, until } from './session.ts';

const { cloud } = underContract();
let yard: Yard;
beforeAll(async () => {
  yard = await openYard(cloud);
});
afterAll(() => yard.clear());

const UNKNOWN = '11111111-2222-4333-8444-555555555555';

describe('creating', () => {
  test('answers 202 with an id, and the server becomes ACTIVE on the given ports in their order', async () => {
    const second = await yard.port({ fixed_ips: [{ ip_address: '10.51.0.62' }] });
    const first = await yard.port({ fixed_ips: [{ ip_address: '10.51.0.61' }] });
    const made = await yard.create({
      networks: [{ port: second.id }, { port: first.id }],
      metadata: { role: 'web' },
      description: 'a server',
      tags: ['blue'],
      user_data: Buffer.from('hello').toString('base64'),
    });
    expect(made.status).toBe(202);
    expect(Object.keys(made.body.server).sort()).toEqual([
      'OS-DCF:diskConfig',
      'adminPass',
      'id',
      'links',
      'security_groups',
    ]);
    expect(made.headers.get('location')).toContain(`/servers/${made.body.server.id}`);
    const server = await yard.settled(made.body.server.id, 'ACTIVE');
    expect(server).toMatchObject({
      tenant_id: cloud.member.projectId,
      user_id: cloud.member.userId,
      metadata: { role: 'web' },
      description: 'a server',
      tags: ['blue'],
      image: { id: yard.imageId },
      key_name: null,
      locked: false,
      'OS-EXT-STS:vm_state': 'active',
      'OS-EXT-STS:power_state': 1,
      'OS-EXT-SRV-ATTR:user_data': Buffer.from('hello').toString('base64'),
      'os-extended-volumes:volumes_attached': [],
    });
    const [addresses] = Object.values(server.addresses) as Body[][];
    expect(addresses?.map((one) => one.addr)).toEqual(['10.51.0.62', '10.51.0.61']);
    expect(addresses?.[0]).toMatchObject({
      version: 4,
      'OS-EXT-IPS:type': 'fixed',
      'OS-EXT-IPS-MAC:mac_addr': second.mac_address,
    });
    const ports = await yard.network('GET', `/ports?device_id=${server.id}`);
    expect(ports.body.ports.map((one: Body) => one.id).sort()).toEqual(
      [first.id, second.id].sort(),
    );
    expect(ports.body.ports[0]).toMatchObject({
      device_owner: 'compute:nova',
      status: 'ACTIVE',
      'binding:host_id': server['OS-EXT-SRV-ATTR:host'],
    });
    const again = await yard.create({ networks: [{ port: first.id }] });
    expect(again.status).toBe(409);
    await yard.remove(server.id);
    const kept = await yard.network('GET', `/ports/${first.id}`);
    expect(kept.body.port).toMatchObject({ device_id: '', device_owner: '', status: 'DOWN' });
  });

  test('on a network Nova makes the port, and takes it away with the server', async () => {
    const server = await yard.boot({
      networks: [{ uuid: yard.networkId, fixed_ip: '10.51.0.70' }],
    });
    const ports = () => yard.network('GET', `/ports?device_id=${server.id}`);
    expect((await ports()).body.ports[0].fixed_ips[0].ip_address).toBe('10.51.0.70');
    const attached = await yard.compute('GET', `/servers/${server.id}/os-interface`);
    expect(attached.body.interfaceAttachments[0]).toMatchObject({
      net_id: yard.networkId,
      port_state: 'ACTIVE',
      fixed_ips: [{ ip_address: '10.51.0.70' }],
    });
    await yard.remove(server.id);
    expect((await ports()).body.ports).toEqual([]);
    expect((await yard.compute('DELETE', `/servers/${server.id}`)).status).toBe(404);
  });

  test('goes to the host that an admin names', async () => {
    const services = await yard.compute('GET', '/os-services?binary=nova-compute');
    const { host } = services.body.services.at(-1);
    const server = await yard.boot(
      { networks: 'none', availability_zone: `nova:${host}` },
      cloud.admin,
    );
    expect(server).toMatchObject({
      'OS-EXT-SRV-ATTR:host': host,
      'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
      'OS-EXT-AZ:availability_zone': 'nova',
      host_status: 'UP',
    });
    const refused = await yard.create({ networks: 'none', availability_zone: `nova:${host}` });
    expect(refused.status).toBe(403);
  });

  test.each([
    ['networks are missing', { networks: undefined }, 400],
    ['the flavor does not exist', { networks: 'none', flavorRef: 'nope' }, 400],
    ['the image does not exist', { networks: 'none', imageRef: UNKNOWN }, 400],
    ['the port does not exist', { networks: [{ port: UNKNOWN }] }, 400],
    ['the network does not exist', { networks: [{ uuid: UNKNOWN }] }, 400],
    ['the key does not exist', { networks: 'none', key_name: 'nope' }, 400],
    ['the name is empty', { networks: 'none', name: '' }, 400],
    ['a field is unknown', { networks: 'none', bogus: 1 }, 400],
    ['metadata are no texts', { networks: 'none', metadata: { a: 1 } }, 400],
  ])('is refused when %s', async (_, fields, status) => {
    const answer = await yard.create(fields);
    expect([answer.status, Object.keys(answer.body)[0]]).toEqual([status, 'badRequest']);
  });

  test('is refused with 403 beyond the quota', async () => {
    const path = `/os-quota-sets/${cloud.member.projectId}`;
    await yard.compute('PUT', path, { quota_set: { cores: 0, force: true } });
    const answer = await yard.create({ networks: 'none' });
    expect(answer.status).toBe(403);
    expect(answer.body.forbidden.message).toContain('Quota exceeded for cores');
    await yard.compute('DELETE', path);
  });

  test('that fails on the host leaves a server in ERROR with the reason', async () => {
    const port = await yard.port();
    const made = await yard.create({
      networks: [{ port: port.id }],
      metadata: { bed_fault: 'spawn' },
    });
    const server = await yard.settled(made.body.server.id, 'ERROR');
    expect(server.fault).toMatchObject({ code: 500 });
    expect(server.fault.message).toContain('aborted');
    await yard.remove(server.id);
    const kept = await yard.network('GET', `/ports/${port.id}`);
    expect(kept.body.port.device_id).toBe('');
  });
});

describe('a server', () => {
  let server: Body;
  beforeAll(async () => {
    server = await yard.boot({ name: unique('server') });
  });

  const change = async (action: object, status: string) => {
    const answer = await yard.act(server.id, action);
    expect(answer.status, answer.text).toBe(202);
    return yard.settled(server.id, status);
  };
  const conflict = async (action: object) => {
    const answer = await yard.act(server.id, action);
    expect([answer.status, Object.keys(answer.body)[0]]).toEqual([409, 'conflictingRequest']);
    return answer.body.conflictingRequest.message;
  };

  test('has its flavor inside since 2.47, a reference before', async () => {
    expect(server.flavor).toMatchObject({ vcpus: 1, ram: 64, disk: 1, ephemeral: 0, swap: 0 });
    expect(server.flavor.id).toBeUndefined();
    const old = await yard.compute('GET', `/servers/${server.id}`, undefined, '2.46');
    expect(old.body.server.flavor.id).toBe(yard.flavorId);
    const oldest = await yard.compute('GET', `/servers/${server.id}`, undefined, '2.1');
    for (const field of ['locked', 'description', 'tags', 'host_status'])
      expect(oldest.body.server).not.toHaveProperty(field);
  });

  test('does not exist for strangers, and hides its host from its own', async () => {
    const own = await cloud.member.call('GET', 'compute', `/servers/${server.id}`);
    expect(own.status).toBe(200);
    expect(own.body.server).not.toHaveProperty('OS-EXT-SRV-ATTR:host');
    const all = await cloud.member.call('GET', 'compute', '/servers?all_tenants=1');
    expect(all.status).toBe(403);
    const none = await yard.compute('GET', `/servers/${UNKNOWN}`);
    expect([none.status, Object.keys(none.body)[0]]).toEqual([404, 'itemNotFound']);
  });

  test('is found by name, status, host, project and page', async () => {
    const host = server['OS-EXT-SRV-ATTR:host'];
    const all = 'all_tenants=1';
    for (const query of [
      `${all}&name=${server.name}`,
      `${all}&name=${server.name}&status=ACTIVE`,
      `${all}&name=${server.name}&host=${host}`,
      `${all}&name=${server.name}&project_id=${cloud.member.projectId}`,
      `${all}&name=${server.name}&tenant_id=${cloud.member.projectId}`,
      `${all}&name=${server.name}&user_id=${cloud.member.userId}`,
    ]) {
      const found = await yard.compute('GET', `/servers/detail?${query}`);
      expect(found.body.servers.map((one: Body) => one.id)).toEqual([server.id]);
    }
    const off = await yard.compute('GET', `/servers?${all}&name=${server.name}&status=SHUTOFF`);
    expect(off.body.servers).toEqual([]);
    const first = await yard.compute('GET', `/servers?${all}&limit=1`);
    expect(first.body.servers).toHaveLength(1);
    expect(first.body.servers_links[0]).toMatchObject({ rel: 'next' });
    expect(first.body.servers_links[0].href).toContain(`marker=${first.body.servers[0].id}`);
    expect((await yard.compute('GET', '/servers?marker=nope')).status).toBe(400);
    expect((await yard.compute('GET', '/servers?limit=-1')).status).toBe(400);
  });

  test('is suspended and resumed; neither is done twice', async () => {
    expect(await change({ suspend: null }, 'SUSPENDED')).toMatchObject({
      'OS-EXT-STS:vm_state': 'suspended',
      'OS-EXT-STS:power_state': 4,
    });
    expect(await conflict({ suspend: null })).toBe(
      `Cannot 'suspend' instance ${server.id} while it is in vm_state suspended`,
    );
    await conflict({ 'os-migrateLive': { host: null, block_migration: 'auto' } });
    await conflict({ migrate: null });
    expect(await change({ resume: null }, 'ACTIVE')).toMatchObject({
      'OS-EXT-STS:power_state': 1,
    });
    await conflict({ resume: null });
  });

  test('is paused and unpaused', async () => {
    expect(await change({ pause: null }, 'PAUSED')).toMatchObject({
      'OS-EXT-STS:power_state': 3,
    });
    await conflict({ suspend: null });
    await change({ unpause: null }, 'ACTIVE');
    await conflict({ unpause: null });
  });

  test('is stopped and started; stopped it does not migrate live nor suspend', async () => {
    expect(await change({ 'os-stop': null }, 'SHUTOFF')).toMatchObject({
      'OS-EXT-STS:vm_state': 'stopped',
      'OS-EXT-STS:power_state': 4,
    });
    await conflict({ 'os-stop': null });
    await conflict({ suspend: null });
    await conflict({ 'os-migrateLive': { host: null, block_migration: 'auto' } });
    await change({ 'os-start': null }, 'ACTIVE');
    await conflict({ 'os-start': null });
  });

  test('reboots', async () => {
    await change({ reboot: { type: 'SOFT' } }, 'ACTIVE');
  });

  test('takes one action at a time', async () => {
    expect((await yard.act(server.id, { suspend: null })).status).toBe(202);
    await conflict({ pause: null });
    await yard.settled(server.id, 'SUSPENDED');
    await change({ resume: null }, 'ACTIVE');
  });

  test('refuses an unknown action with 400', async () => {
    expect((await yard.act(server.id, { bogus: null })).status).toBe(400);
  });

  test('that is locked obeys admins only', async () => {
    expect((await yard.act(server.id, { lock: { locked_reason: 'r' } })).status).toBe(202);
    expect(await yard.show(server.id)).toMatchObject({ locked: true, locked_reason: 'r' });
    const refused = await yard.act(server.id, { suspend: null }, cloud.member);
    expect(refused.status).toBe(409);
    expect((await yard.act(server.id, { unlock: null })).status).toBe(202);
  });

  test('is renamed, and carries metadata and tags', async () => {
    const path = `/servers/${server.id}`;
    const name = unique('renamed');
    const renamed = await yard.compute('PUT', path, { server: { name } });
    expect(renamed.body.server.name).toBe(name);
    const added = await yard.compute('POST', `${path}/metadata`, { metadata: { a: 'b' } });
    expect(added.body.metadata).toMatchObject({ a: 'b' });
    const one = await yard.compute('PUT', `${path}/metadata/c`, { meta: { c: 'd' } });
    expect(one.body.meta).toEqual({ c: 'd' });
    expect((await yard.compute('DELETE', `${path}/metadata/c`)).status).toBe(204);
    expect((await yard.compute('DELETE', `${path}/metadata/c`)).status).toBe(404);
    expect((await yard.compute('PUT', `${path}/tags/green`)).status).toBe(201);
    expect((await yard.compute('GET', `${path}/tags`)).body.tags).toContain('green');
    const actions = await yard.compute('GET', `${path}/os-instance-actions`);
    expect(actions.body.instanceActions.at(-1)).toMatchObject({ action: 'create' });
  });

  test('gives a snapshot with the bytes of its own disk, to the project that asks', async () => {
    const name = unique('snapshot');
    const asked = await yard.act(server.id, { createImage: { name, metadata: { why: 'x' } } });
    expect(asked.status).toBe(202);
    const path = `/v2/images/${asked.body.image_id}`;
    await conflict({ createImage: { name: 'another' } });
    const image = await until(
      async () => (await cloud.admin.call('GET', 'image', path)).body,
      (body) => body.status === 'active',
    );
    expect(image).toMatchObject({
      name,
      owner: cloud.admin.projectId,
      visibility: 'shared',
      owner_project_name: cloud.member.project,
      owner_user_name: cloud.member.user,
      disk_format: 'raw',
      container_format: 'bare',
      min_disk: 1,
      image_type: 'snapshot',
      instance_uuid: server.id,
      base_image_ref: yard.imageId,
      user_id: cloud.admin.userId,
      os_distro: 'contract',
      why: 'x',
      size: IMAGE_BYTES.length + 512,
    });
    const members = await cloud.admin.call('GET', 'image', `${path}/members`);
    expect(members.body.members[0]).toMatchObject({
      member_id: cloud.member.projectId,
      status: 'pending',
    });
    const response = await fetch(`${cloud.admin.url('image')}${path}/file`, {
      headers: { 'X-Auth-Token': cloud.admin.token },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, IMAGE_BYTES.length).equals(IMAGE_BYTES)).toBe(true);
    expect(bytes.subarray(IMAGE_BYTES.length).toString()).toContain(`bed-guest ${server.id}`);
    const sha = createHash('sha512').update(bytes).digest('hex');
    expect(image.os_hash_value).toBe(sha);
    await yard.settled(server.id, 'ACTIVE');
    expect((await cloud.admin.call('DELETE', 'image', path)).status).toBe(204);
  });

  test('gives its own project a private snapshot', async () => {
    const asked = await yard.act(
      server.id,
      { createImage: { name: unique('snapshot') } },
      cloud.member,
    );
    const path = `/v2/images/${asked.body.image_id}`;
    const image = await until(
      async () => (await cloud.member.call('GET', 'image', path)).body,
      (body) => body.status === 'active',
    );
    expect(image).toMatchObject({ visibility: 'private', owner: cloud.member.projectId });
    await yard.settled(server.id, 'ACTIVE');
    await cloud.member.call('DELETE', 'image', path);
  });

  test('names the snapshot in Location only before 2.45', async () => {
    const action = { createImage: { name: unique('snapshot') } };
    const asked = await yard.act(server.id, action, cloud.admin, '2.44');
    expect(asked.status).toBe(202);
    expect(asked.body).toBeUndefined();
    const id = asked.headers.get('location')?.split('/').at(-1) ?? '';
    await yard.settled(server.id, 'ACTIVE');
    await until(
      async () => (await cloud.admin.call('GET', 'image', `/v2/images/${id}`)).body,
      (body) => body.status === 'active',
    );
    await cloud.admin.call('DELETE', 'image', `/v2/images/${id}`);
  });

  test('snapshots as well when it is off, paused or suspended', async () => {
    for (const [there, status, back] of [
      [{ 'os-stop': null }, 'SHUTOFF', { 'os-start': null }],
      [{ pause: null }, 'PAUSED', { unpause: null }],
      [{ suspend: null }, 'SUSPENDED', { resume: null }],
    ] as const) {
      await change(there, status);
      const asked = await yard.act(server.id, { createImage: { name: unique('snapshot') } });
      expect(asked.status).toBe(202);
      const path = `/v2/images/${asked.body.image_id}`;
      await until(
        async () => (await cloud.admin.call('GET', 'image', path)).body,
        (body) => body.status === 'active',
      );
      await yard.settled(server.id, status);
      await cloud.admin.call('DELETE', 'image', path);
      await change(back, 'ACTIVE');
    }
  });
});

test('a snapshot that fails takes its image away and leaves the server ACTIVE', async () => {
  const server = await yard.boot({ networks: 'none', metadata: { bed_fault: 'snapshot' } });
  const asked = await yard.act(server.id, { createImage: { name: unique('snapshot') } });
  expect(asked.status).toBe(202);
  await until(
    () => cloud.admin.call('GET', 'image', `/v2/images/${asked.body.image_id}`),
    (answer) => answer.status === 404,
  );
  await yard.settled(server.id, 'ACTIVE');
});
