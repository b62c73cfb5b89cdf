import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openYard, type Yard } from './machine.ts';
import { type Body, type Session, underContract, unique, until } from './session.ts';

const { cloud, after } = underContract();
let yard: Yard;
beforeAll(async () => {
  yard = await openYard(cloud);
});
afterAll(() => yard.clear());

const UNKNOWN = '11111111-2222-4333-8444-555555555555';

const call = (who: Session, method: string, path: string, body?: unknown, version = '3.70') =>
  who.call(method, 'volumev3', path, body === undefined ? { version } : { body, version });
const member = (method: string, path: string, body?: unknown, version?: string) =>
  call(cloud.member, method, path, body, version);
const admin = (method: string, path: string, body?: unknown) =>
  call(cloud.admin, method, path, body);

const gone = (path: string) =>
  until(
    () => member('GET', path),
    (answer) => answer.status === 404,
  );
const reached = (path: string, key: string, status: string): Promise<Body> =>
  until(
    async () => (await member('GET', path)).body[key],
    (item) => item.status === status || item.status === 'error',
  ).then((item) => {
    expect(item.status).toBe(status);
    return item;
  });

async function volume(fields: object = {}): Promise<Body> {
  const body = { volume: { name: unique('volume'), size: 1, ...fields } };
  const answer = await member('POST', '/volumes', body);
  expect(answer.status, answer.text).toBe(202);
  const path = `/volumes/${answer.body.volume.id}`;
  after.add(async () => {
    await member('DELETE', path);
    await gone(path);
  });
  expect(answer.body.volume.status).toBe('creating');
  return reached(path, 'volume', 'available');
}

describe('volumes', () => {
  test('are created, shown, renamed, extended and deleted', async () => {
    const one = await volume({ metadata: { a: 'b' }, description: 'd' });
    expect(one).toMatchObject({
      size: 1,
      description: 'd',
      metadata: { a: 'b' },
      bootable: 'false',
      encrypted: false,
      attachments: [],
      snapshot_id: null,
      source_volid: null,
      user_id: cloud.member.userId,
    });
    expect(one).not.toHaveProperty('os-vol-host-attr:host');
    const path = `/volumes/${one.id}`;
    const seen = await admin('GET', path);
    expect(seen.body.volume['os-vol-tenant-attr:tenant_id']).toBe(cloud.member.projectId);
    expect(seen.body.volume).toHaveProperty('os-vol-host-attr:host');
    const renamed = await member('PUT', path, { volume: { name: 'renamed' } });
    expect(renamed.body.volume.name).toBe('renamed');
    const action = `${path}/action`;
    const grown = await member('POST', action, { 'os-extend': { new_size: 2 } });
    expect(grown.status).toBe(202);
    expect((await reached(path, 'volume', 'available')).size).toBe(2);
    const shrunk = await member('POST', action, { 'os-extend': { new_size: 1 } });
    expect(shrunk.status).toBe(400);
    const old = await member('GET', path, undefined, '3.0');
    expect(old.body.volume).not.toHaveProperty('volume_type_id');
    expect((await member('DELETE', path)).status).toBe(202);
    await gone(path);
    expect((await member('DELETE', path)).status).toBe(404);
  });

  test.each([
    ['no size', { size: undefined }, 400],
    ['a size of nothing', { size: 0 }, 400],
    ['an unknown type', { volume_type: 'nope' }, 404],
    ['an unknown image', { imageRef: UNKNOWN }, 400],
  ])('are refused with %s', async (_, fields, status) => {
    const answer = await member('POST', '/volumes', { volume: { size: 1, ...fields } });
    expect(answer.status).toBe(status);
  });

  test('beyond the quota are refused with 413 and Retry-After', async () => {
    const path = `/os-quota-sets/${cloud.member.projectId}`;
    await admin('PUT', path, { quota_set: { volumes: 0 } });
    const answer = await member('POST', '/volumes', { volume: { size: 1 } });
    expect([answer.status, Object.keys(answer.body)[0]]).toEqual([413, 'overLimit']);
    expect(answer.headers.get('retry-after')).toBe('0');
    const usage = await admin('GET', `${path}?usage=True`);
    expect(usage.body.quota_set.volumes).toMatchObject({ limit: 0, reserved: 0 });
    expect((await admin('DELETE', path)).status).toBe(200);
  });

  test('of another project do not exist for a member', async () => {
    const answer = await admin('POST', '/volumes', { volume: { size: 1, name: unique('v') } });
    const path = `/volumes/${answer.body.volume.id}`;
    expect((await member('GET', path)).status).toBe(404);
    await until(
      async () => (await admin('GET', path)).body.volume,
      (item) => item.status === 'available',
    );
    await admin('DELETE', path);
  });

  test('are listed by all tenants, name, status and page', async () => {
    const one = await volume();
    await volume();
    const named = await admin('GET', `/volumes/detail?all_tenants=1&name=${one.name}`);
    expect(named.body.volumes.map((item: Body) => item.id)).toEqual([one.id]);
    const ours = `/volumes?all_tenants=1&project_id=${cloud.member.projectId}`;
    const list = await admin('GET', ours);
    expect(list.body.volumes.map((item: Body) => item.id)).toContain(one.id);
    const first = await member('GET', '/volumes?limit=1');
    expect(first.body.volumes).toHaveLength(1);
    expect(first.body.volumes_links[0].rel).toBe('next');
    const marker = first.body.volumes[0].id;
    const second = await member('GET', `/volumes?limit=1&marker=${marker}`);
    expect(second.body.volumes[0].id).not.toBe(marker);
    expect((await member('GET', `/volumes?marker=${UNKNOWN}`)).status).toBe(404);
  });

  test('from an image are bootable and know it', async () => {
    const one = await volume({ imageRef: yard.imageId });
    expect(one.bootable).toBe('true');
    expect(one.volume_image_metadata).toMatchObject({ image_id: yard.imageId });
  });
});

describe('snapshots', () => {
  test('hold their volume, and become new ones', async () => {
    const one = await volume();
    const made = await member('POST', '/snapshots', {
      snapshot: { volume_id: one.id, name: unique('snapshot') },
    });
    expect(made.status).toBe(202);
    expect(made.body.snapshot).toMatchObject({ status: 'creating', volume_id: one.id, size: 1 });
    const path = `/snapshots/${made.body.snapshot.id}`;
    const snapshot = await reached(path, 'snapshot', 'available');
    expect(snapshot['os-extended-snapshot-attributes:project_id']).toBe(cloud.member.projectId);
    expect((await member('DELETE', `/volumes/${one.id}`)).status).toBe(400);
    const copy = await volume({ snapshot_id: snapshot.id, size: undefined });
    expect(copy).toMatchObject({ snapshot_id: snapshot.id, size: 1 });
    const list = await admin('GET', `/snapshots/detail?all_tenants=1&volume_id=${one.id}`);
    expect(list.body.snapshots).toHaveLength(1);
    expect((await member('DELETE', path)).status).toBe(202);
    await gone(path);
  });
});

describe('volumes and servers', () => {
  test('a volume is attached, held, shown on both sides, and detached', async () => {
    const one = await volume();
    const server = await yard.boot({ networks: 'none' });
    const path = `/servers/${server.id}/os-volume_attachments`;
    const body = { volumeAttachment: { volumeId: one.id } };
    const attached = await yard.compute('POST', path, body);
    expect(attached.status).toBe(200);
    const used = await reached(`/volumes/${one.id}`, 'volume', 'in-use');
    expect(used.attachments[0]).toMatchObject({ server_id: server.id, volume_id: one.id });
    const seen = await yard.compute('GET', path);
    expect(seen.body.volumeAttachments[0]).toMatchObject({
      volumeId: one.id,
      serverId: server.id,
      delete_on_termination: false,
    });
    const shown = await yard.show(server.id);
    expect(shown['os-extended-volumes:volumes_attached']).toEqual([
      { id: one.id, delete_on_termination: false },
    ]);
    expect((await yard.compute('POST', path, body)).status).toBe(400);
    expect((await member('DELETE', `/volumes/${one.id}`)).status).toBe(400);
    expect((await yard.compute('DELETE', `${path}/${one.id}`)).status).toBe(202);
    await reached(`/volumes/${one.id}`, 'volume', 'available');
  });

  test('a server that boots from a volume has no image, and leaves the volume behind', async () => {
    const root = await volume({ imageRef: yard.imageId });
    const server = await yard.boot({
      networks: 'none',
      imageRef: '',
      block_device_mapping_v2: [
        { uuid: root.id, source_type: 'volume', destination_type: 'volume', boot_index: 0 },
      ],
    });
    expect(server.image).toBe('');
    expect((await reached(`/volumes/${root.id}`, 'volume', 'in-use')).attachments).toHaveLength(1);
    await yard.remove(server.id);
    await reached(`/volumes/${root.id}`, 'volume', 'available');
  });
});

describe('around volumes', () => {
  test('types, services, limits and zones are listed', async () => {
    const types = await member('GET', '/types');
    expect(types.body.volume_types.length).toBeGreaterThan(0);
    const services = await admin('GET', '/os-services');
    expect(services.body.services.map((one: Body) => one.binary)).toContain('cinder-volume');
    const limits = await member('GET', '/limits');
    expect(limits.body.limits.absolute).toHaveProperty('maxTotalVolumes');
    const zones = await member('GET', '/os-availability-zone');
    expect(zones.body.availabilityZoneInfo[0]).toEqual({
      zoneName: 'nova',
      zoneState: { available: true },
    });
    expect((await member('GET', '/backups')).body.backups).toEqual([]);
  });
});
