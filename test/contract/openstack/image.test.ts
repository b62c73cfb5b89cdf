import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Body, type Session, underContract, unique } from './session.ts';

const { cloud, after } = underContract();

const admin = (method: string, path: string, body?: unknown) =>
  cloud.admin.call(method, 'image', `/v2/images${path}`, body === undefined ? {} : { body });

const RAW = { disk_format: 'raw', container_format: 'bare' };
const BYTES = randomBytes(70_001);

async function make(fields: object = {}, who: Session = cloud.admin): Promise<Body> {
  const body = { name: unique('image'), ...RAW, ...fields };
  const answer = await who.call('POST', 'image', '/v2/images', { body });
  expect(answer.status).toBe(201);
  after.add(async () => {
    await patch(answer.body.id, [{ op: 'replace', path: '/protected', value: false }]);
    return admin('DELETE', `/${answer.body.id}`);
  });
  return answer.body;
}

const upload = (id: string, bytes: Uint8Array = BYTES, who: Session = cloud.admin) =>
  who.call('PUT', 'image', `/v2/images/${id}/file`, { bytes });

const download = (id: string, headers: Record<string, string> = {}) =>
  fetch(`${cloud.admin.url('image')}/v2/images/${id}/file`, {
    headers: { 'X-Auth-Token': cloud.admin.token, ...headers },
  });

const patch = (id: string, operations: unknown[], who: Session = cloud.admin) =>
  who.call('PATCH', 'image', `/v2/images/${id}`, {
    body: operations,
    headers: { 'Content-Type': 'application/openstack-images-v2.1-json-patch' },
  });

describe('an image', () => {
  test('is queued until its bytes come, with what it was given', async () => {
    const image = await make({
      owner: cloud.member.projectId,
      visibility: 'private',
      os_distro: 'debian',
      tags: ['one'],
      min_disk: 1,
    });
    expect(image).toMatchObject({
      status: 'queued',
      owner: cloud.member.projectId,
      visibility: 'private',
      os_distro: 'debian',
      tags: ['one'],
      min_disk: 1,
      min_ram: 0,
      size: null,
      virtual_size: null,
      checksum: null,
      os_hash_algo: null,
      os_hash_value: null,
      protected: false,
      os_hidden: false,
      self: `/v2/images/${image.id}`,
      file: `/v2/images/${image.id}/file`,
      schema: '/v2/schemas/image',
    });
    expect((await download(image.id)).status).toBe(204);
  });

  test('is shared by default and belongs to who makes it', async () => {
    const image = await make({}, cloud.member);
    expect(image).toMatchObject({ visibility: 'shared', owner: cloud.member.projectId });
  });

  test('is active with size and hashes once the bytes are there, and takes none twice', async () => {
    const image = await make();
    expect((await upload(image.id)).status).toBe(204);
    const { body } = await admin('GET', `/${image.id}`);
    expect(body).toMatchObject({
      status: 'active',
      size: BYTES.length,
      virtual_size: BYTES.length,
      checksum: createHash('md5').update(BYTES).digest('hex'),
      os_hash_algo: 'sha512',
      os_hash_value: createHash('sha512').update(BYTES).digest('hex'),
      stores: 'primary',
    });
    expect((await upload(image.id)).status).toBe(409);
  });

  test('of format qcow2 shows the virtual size of its header', async () => {
    const image = await make({ disk_format: 'qcow2' });
    const bytes = Buffer.alloc(1024);
    bytes.write('QFI\xfb', 'latin1');
    bytes.writeUInt32BE(3, 4);
    bytes.writeUInt32BE(16, 20);
    bytes.writeBigUInt64BE(7_340_032n, 24);
    bytes.writeUInt32BE(104, 100);
    await upload(image.id, bytes);
    expect((await admin('GET', `/${image.id}`)).body.virtual_size).toBe(7_340_032);
  });

  test('takes its bytes without a length announced', async () => {
    const image = await make();
    const stream = new Blob([BYTES]).stream();
    const answer = await fetch(`${cloud.admin.url('image')}/v2/images/${image.id}/file`, {
      method: 'PUT',
      headers: {
        'X-Auth-Token': cloud.admin.token,
        'Content-Type': 'application/octet-stream',
      },
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(answer.status).toBe(204);
    expect((await admin('GET', `/${image.id}`)).body.size).toBe(BYTES.length);
  });

  test('takes bytes as octet-stream only', async () => {
    const image = await make();
    const answer = await admin('PUT', `/${image.id}/file`, { no: 'bytes' });
    expect(answer.status).toBe(415);
  });

  test('gives its bytes back, whole or in ranges', async () => {
    const image = await make();
    await upload(image.id);
    const whole = await download(image.id);
    expect(whole.status).toBe(200);
    expect(whole.headers.get('content-length')).toBe(String(BYTES.length));
    expect(whole.headers.get('content-md5')).toBe(createHash('md5').update(BYTES).digest('hex'));
    expect(Buffer.from(await whole.arrayBuffer()).equals(BYTES)).toBe(true);
    for (const [range, from, to] of [
      ['bytes=2-4', 2, 4],
      ['bytes=70000-', 70_000, 70_000],
      ['bytes=-3', 69_998, 70_000],
      ['bytes=69999-900000', 69_999, 70_000],
    ] as const) {
      const part = await download(image.id, { Range: range });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${from}-${to}/${BYTES.length}`);
      const bytes = Buffer.from(await part.arrayBuffer());
      expect(bytes.equals(BYTES.subarray(from, to + 1))).toBe(true);
    }
    expect((await download(image.id, { Range: 'bytes=80000-' })).status).toBe(416);
  });

  test('is changed by a JSON patch; what the service wrote is read only', async () => {
    const image = await make();
    const changed = await patch(image.id, [
      { op: 'replace', path: '/name', value: 'renamed' },
      { op: 'add', path: '/hw_disk_bus', value: 'virtio' },
    ]);
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'renamed', hw_disk_bus: 'virtio' });
    const removed = await patch(image.id, [{ op: 'remove', path: '/hw_disk_bus' }]);
    expect(removed.body.hw_disk_bus).toBeUndefined();
    const missing = await patch(image.id, [{ op: 'remove', path: '/nope' }]);
    expect(missing.status).toBe(409);
    const size = await patch(image.id, [{ op: 'replace', path: '/size', value: 1 }]);
    expect(size.status).toBe(403);
  });

  test('that is protected cannot be deleted', async () => {
    const image = await make({ protected: true });
    expect((await admin('DELETE', `/${image.id}`)).status).toBe(403);
    await patch(image.id, [{ op: 'replace', path: '/protected', value: false }]);
    expect((await admin('DELETE', `/${image.id}`)).status).toBe(204);
    expect((await admin('GET', `/${image.id}`)).status).toBe(404);
    expect((await admin('DELETE', `/${image.id}`)).status).toBe(404);
  });

  test('can be given an id, once', async () => {
    const image = await make();
    const answer = await admin('POST', '', { name: 'again', id: image.id });
    expect(answer.status).toBe(409);
  });

  test('gets tags and loses them', async () => {
    const image = await make();
    expect((await admin('PUT', `/${image.id}/tags/blue`)).status).toBe(204);
    expect((await admin('GET', `/${image.id}`)).body.tags).toEqual(['blue']);
    expect((await admin('DELETE', `/${image.id}/tags/blue`)).status).toBe(204);
  });
});

describe('refusals', () => {
  test.each([
    ['a format that does not exist', { disk_format: 'bogus' }, 400],
    ['a size', { size: 3 }, 403],
  ])('%s is refused', async (_, fields, status) => {
    expect((await admin('POST', '', { name: 'x', ...RAW, ...fields })).status).toBe(status);
  });

  test.each([
    ['an image of another project', () => ({ owner: cloud.admin.projectId })],
    ['a public image', () => ({ visibility: 'public' })],
  ])('a member may not make %s', async (_, fields) => {
    const body = { name: 'x', ...RAW, ...fields() };
    const answer = await cloud.member.call('POST', 'image', '/v2/images', { body });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toContain('text/html');
  });

  test('a private image of another project does not exist for a member', async () => {
    const image = await make({ visibility: 'private' });
    const path = `/v2/images/${image.id}`;
    expect((await cloud.member.call('GET', 'image', path)).status).toBe(404);
    expect((await cloud.member.call('DELETE', 'image', path)).status).toBe(404);
  });

  test('a public image is seen by a member, and not changed', async () => {
    const image = await make({ visibility: 'public' });
    const path = `/v2/images/${image.id}`;
    expect((await cloud.member.call('GET', 'image', path)).status).toBe(200);
    expect((await cloud.member.call('DELETE', 'image', path)).status).toBe(403);
    const change = [{ op: 'replace', path: '/name', value: 'mine' }];
    expect((await patch(image.id, change, cloud.member)).status).toBe(403);
  });
});

describe('the list', () => {
  test('pages by limit and marker, with the way to the next', async () => {
    const owner = cloud.member.projectId;
    for (let count = 0; count < 3; count += 1) await make({ owner });
    const first = await admin('GET', `?owner=${owner}&limit=2`);
    expect(first.body.images).toHaveLength(2);
    expect(first.body.next).toContain(`marker=${first.body.images[1].id}`);
    expect(first.body.next).toMatch(/^\/v2\/images\?/);
    const second = await cloud.admin.call('GET', 'image', first.body.next);
    expect(second.body.images.length).toBeGreaterThan(0);
    const ids = [...first.body.images, ...second.body.images].map((one: Body) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await admin('GET', '?marker=nope')).status).toBe(400);
    expect((await admin('GET', '?limit=x')).status).toBe(400);
  });

  test('selects by owner, name, status, visibility and property', async () => {
    const name = unique('image');
    const image = await make({ name, visibility: 'public', colour: name });
    for (const query of [
      `name=${name}`,
      `name=${name}&status=queued`,
      `name=${name}&visibility=public`,
      `name=${name}&owner=${cloud.admin.projectId}`,
      `colour=${name}`,
    ])
      expect((await admin('GET', `?${query}`)).body.images.map((one: Body) => one.id)).toEqual([
        image.id,
      ]);
    expect((await admin('GET', `?name=${name}&status=active`)).body.images).toEqual([]);
    expect((await admin('GET', `?name=${name}&visibility=private`)).body.images).toEqual([]);
  });
});

describe('members', () => {
  test('a shared image is listed by its member once it has accepted', async () => {
    const image = await make({ visibility: 'shared' });
    const member = cloud.member.projectId;
    const added = await admin('POST', `/${image.id}/members`, { member });
    expect(added.status).toBe(200);
    expect(added.body).toMatchObject({ member_id: member, image_id: image.id, status: 'pending' });
    expect((await admin('POST', `/${image.id}/members`, { member })).status).toBe(409);
    const mine = () => cloud.member.call('GET', 'image', '/v2/images?visibility=shared');
    expect((await mine()).body.images.map((one: Body) => one.id)).not.toContain(image.id);
    expect((await cloud.member.call('GET', 'image', `/v2/images/${image.id}`)).status).toBe(200);
    const path = `/v2/images/${image.id}/members/${member}`;
    const accepted = await cloud.member.call('PUT', 'image', path, {
      body: { status: 'accepted' },
    });
    expect(accepted.body.status).toBe('accepted');
    expect((await mine()).body.images.map((one: Body) => one.id)).toContain(image.id);
    expect((await admin('GET', `/${image.id}/members`)).body.members).toHaveLength(1);
    expect((await admin('DELETE', `/${image.id}/members/${member}`)).status).toBe(204);
    expect((await admin('DELETE', `/${image.id}/members/${member}`)).status).toBe(404);
  });
});
