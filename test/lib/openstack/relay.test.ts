import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { relay } from '../../../lib/openstack/relay.ts';
import { type ScriptedServer, scriptedServer } from './scripted-server.ts';

const MIB = 1024 * 1024;
const CONTENT = Buffer.from(Array.from({ length: 4000 }, (_, at) => at % 251));
const hashOf = (algorithm: string, content: Buffer) =>
  createHash(algorithm).update(content).digest('hex');

interface Glance {
  server: ScriptedServer;
  image: Record<string, unknown>;
  content: Buffer;
  downloads: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One image in one Glance, which hashes what arrives by `algorithm`, or not at all. */
const glance = async (algorithm: string | undefined, content?: Buffer): Promise<Glance> => {
  const server = await scriptedServer();
  const hashed = (bytes: Buffer) =>
    algorithm === undefined
      ? {}
      : { os_hash_algo: algorithm, os_hash_value: hashOf(algorithm, bytes) };
  const self: Glance = {
    server,
    image:
      content === undefined
        ? { id: 'img', status: 'queued', size: null }
        : { id: 'img', status: 'active', size: content.length, ...hashed(content) },
    content: content ?? Buffer.alloc(0),
    downloads: 0,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  server.on('GET /image/v2/images/img', () => ({ body: self.image }));
  server.on('GET /image/v2/images/img/file', (_seen, _before, { response }) => {
    self.downloads += 1;
    response.writeHead(200, { 'content-length': self.content.length }).end(self.content);
    return undefined;
  });
  server.on('PUT /image/v2/images/img/file', async (_seen, _before, { request, response }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    self.content = Buffer.concat(chunks);
    self.image = {
      id: 'img',
      status: 'active',
      size: self.content.length,
      ...hashed(self.content),
    };
    response.writeHead(204).end();
    return undefined;
  });
  return self;
};

const copy = (source: Glance, destination: Glance, onProgress?: (percent: number) => void) =>
  relay(
    openCloud(source.server.config(), 'source'),
    openCloud(destination.server.config(), 'destination'),
    {
      sourceImageId: 'img',
      destinationImageId: 'img',
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  );

describe('a relay', () => {
  test('copies an image, proved by the hash that both clouds name', async () => {
    await using source = await glance('sha512', CONTENT);
    await using destination = await glance('sha512');
    expect(await copy(source, destination)).toEqual({
      bytes: 4000,
      hash: { algorithm: 'sha512', value: hashOf('sha512', CONTENT) },
      copied: true,
    });
    expect(destination.content.equals(CONTENT)).toBe(true);
    expect([source.downloads, destination.downloads]).toEqual([1, 0]);
  });

  test.each<[string, string | undefined, string | undefined, number, number, string]>([
    ['the source has no hash', undefined, 'sha512', 1, 0, 'sha512'],
    [
      'the source has none, and the destination another than expected',
      undefined,
      'md5',
      2,
      0,
      'md5',
    ],
    ['the destination has no hash', 'sha256', undefined, 1, 1, 'sha256'],
    ['they hash in different ways', 'sha256', 'sha512', 1, 1, 'sha256'],
    ['neither has a hash', undefined, undefined, 1, 1, 'sha512'],
  ])('hashes for itself when %s', async (_title, from, to, downloads, readBack, algorithm) => {
    await using source = await glance(from, CONTENT);
    await using destination = await glance(to);
    expect(await copy(source, destination)).toMatchObject({
      hash: { algorithm, value: hashOf(algorithm, CONTENT) },
    });
    expect([source.downloads, destination.downloads]).toEqual([downloads, readBack]);
  });

  test('copies an empty image', async () => {
    await using source = await glance('sha512', Buffer.alloc(0));
    await using destination = await glance('sha512');
    expect(await copy(source, destination)).toMatchObject({ bytes: 0, copied: true });
  });

  test('tells each full tenth once', async () => {
    await using source = await glance('sha512', Buffer.alloc(5 * MIB + 7));
    await using destination = await glance('sha512');
    const told: number[] = [];
    await copy(source, destination, (percent) => told.push(percent));
    expect(told).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  });

  test('of what has already arrived copies nothing', async () => {
    await using source = await glance('sha512', CONTENT);
    await using destination = await glance('sha512', CONTENT);
    expect(await copy(source, destination)).toMatchObject({ bytes: 4000, copied: false });
    expect(source.downloads).toBe(0);
  });
});

describe('a relay that cannot be proved is CopyCorrupted', () => {
  const corrupted = {
    name: 'CopyCorrupted',
    details: { imageId: 'img', remedy: 'recreate' },
  };

  test('when the hashes differ', async () => {
    await using source = await glance('sha512', CONTENT);
    await using destination = await glance('sha512');
    source.content = Buffer.from(CONTENT).fill(0, 0, 1);
    source.content[0] = 255;
    await expect(copy(source, destination)).rejects.toMatchObject(corrupted);
  });

  test('when our own hash differs from what the destination holds', async () => {
    await using source = await glance(undefined, CONTENT);
    await using destination = await glance(undefined);
    destination.server.on('GET /image/v2/images/img/file', { body: 'x'.repeat(4000) });
    await expect(copy(source, destination)).rejects.toMatchObject(corrupted);
  });

  test('when the destination is active with another size', async () => {
    await using source = await glance('sha512', CONTENT);
    await using destination = await glance('sha512', CONTENT.subarray(1));
    await expect(copy(source, destination)).rejects.toMatchObject(corrupted);
    expect(source.downloads).toBe(0);
  });

  test('when the source sends another size than its record says', async () => {
    await using source = await glance('sha512', CONTENT);
    await using destination = await glance('sha512');
    source.content = CONTENT.subarray(1);
    await expect(copy(source, destination)).rejects.toMatchObject({ name: 'CopyCorrupted' });
    expect(destination.image.status).toBe('queued');
  });
});

describe('a relay does not start', () => {
  test.each(['saving', 'killed', 'importing'])('into an image that is %s', async (status) => {
    await using source = await glance('sha512', CONTENT);
    await using destination = await glance('sha512');
    destination.image.status = status;
    await expect(copy(source, destination)).rejects.toMatchObject({
      name: 'ResourceFailed',
      details: { imageId: 'img', imageStatus: status, remedy: 'recreate' },
    });
  });

  test('from an image without bytes', async () => {
    await using source = await glance('sha512');
    await using destination = await glance('sha512');
    const failure = await copy(source, destination).catch((error) => error);
    expect(failure).toMatchObject({ name: 'ResourceFailed', details: { imageStatus: 'queued' } });
    expect(failure.details.remedy).toBeUndefined();
  });
});

test('a source that dies on the way leaves nothing that looks whole', async () => {
  await using source = await glance('sha512', Buffer.alloc(4 * MIB));
  await using destination = await glance('sha512');
  source.server.on('GET /image/v2/images/img/file', (_seen, _before, { response }) => {
    response.writeHead(200, { 'content-length': 4 * MIB });
    response.write(Buffer.alloc(MIB), () => response.destroy());
    return undefined;
  });
  await expect(copy(source, destination)).rejects.toMatchObject({
    name: 'CloudUnavailable',
    call: { cloud: 'source' },
  });
  expect(destination.image.status).toBe('queued');
});

test('a relay of 300 MiB takes less memory than the image', async () => {
  const size = 300 * MIB;
  const block = Buffer.alloc(MIB, 'block');
  const hash = createHash('sha512');
  for (let sent = 0; sent < size; sent += MIB) hash.update(block);
  const hashes = { os_hash_algo: 'sha512', os_hash_value: hash.digest('hex') };
  await using source = await scriptedServer();
  await using destination = await scriptedServer();
  const active = { id: 'img', status: 'active', size, ...hashes };
  source.on('GET /image/v2/images/img', { body: active });
  source.on('GET /image/v2/images/img/file', async (_seen, _before, { response }) => {
    response.writeHead(200, { 'content-length': size });
    for (let sent = 0; sent < size; sent += MIB)
      if (!response.write(block)) await once(response, 'drain');
    response.end();
    return undefined;
  });
  let received = 0;
  destination.on('GET /image/v2/images/img', () => ({
    body: received === 0 ? { id: 'img', status: 'queued' } : active,
  }));
  destination.on('PUT /image/v2/images/img/file', async (_seen, _before, { request, response }) => {
    for await (const chunk of request) received += (chunk as Buffer).length;
    response.writeHead(204).end();
    return undefined;
  });
  const script = new URL('./relay-process.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, source.url, destination.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { bytes, peakMiB } = JSON.parse(await text(child.stdout));
  expect({ bytes, received }).toEqual({ bytes: size, received: size });
  expect(peakMiB).toBeLessThan(280);
});
