import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { type ScriptedServer, scriptedServer } from './scripted-server.ts';

const PATH = '/v2/images/1/file';
const MIB = 1024 * 1024;
const cloudOf = (server: ScriptedServer) => openCloud(server.config(), 'source');
const bytes = (size: number) => Buffer.alloc(size, 'x');

type Take = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
const serving = (server: ScriptedServer, method: 'GET' | 'PUT', take: Take) =>
  server.on(`${method} /image${PATH}`, async (_seen, _before, { request, response }) => {
    await take(request, response);
    return undefined;
  });

const sizeOf = async (body: Readable): Promise<number> => {
  let size = 0;
  for await (const chunk of body) size += (chunk as Buffer).length;
  return size;
};

/** What an upload left at the server: whether it was properly ended, and with how many bytes. */
const receiving = (server: ScriptedServer) => {
  const received = { bytes: 0, ended: false, headers: {} as IncomingMessage['headers'] };
  serving(server, 'PUT', async (request, response) => {
    received.headers = request.headers;
    try {
      for await (const chunk of request) received.bytes += (chunk as Buffer).length;
      received.ended = true;
      response.writeHead(204).end();
    } catch {
      response.destroy();
    }
  });
  return received;
};

describe('a download', () => {
  test('tells its size and gives its bytes', async () => {
    await using server = await scriptedServer();
    server.on(`GET /image${PATH}`, { headers: { 'content-length': '3' }, body: 'abc' });
    const { body, size } = await cloudOf(server).download('image', PATH);
    expect({ size, read: await sizeOf(body) }).toEqual({ size: 3, read: 3 });
  });

  test('without a Content-Length has no size', async () => {
    await using server = await scriptedServer();
    serving(server, 'GET', (_request, response) => {
      response.write('abc');
      response.end('def');
    });
    const { body, size } = await cloudOf(server).download('image', PATH);
    expect({ size, read: await sizeOf(body) }).toEqual({ size: undefined, read: 6 });
  });

  test('that ends short of its Content-Length is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    serving(server, 'GET', (_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('abc', () => response.socket?.end());
    });
    const { body } = await cloudOf(server).download('image', PATH);
    await expect(sizeOf(body)).rejects.toMatchObject({
      name: 'CloudUnavailable',
      call: { cloud: 'source', path: `/image${PATH}` },
    });
  });

  test('in chunks that break off is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    serving(server, 'GET', (_request, response) => {
      response.write('abc', () => response.destroy());
    });
    const { body } = await cloudOf(server).download('image', PATH);
    await expect(sizeOf(body)).rejects.toMatchObject({ name: 'CloudUnavailable' });
  });

  test('that stands still is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    serving(server, 'GET', (_request, response) => void response.write('abc'));
    const { body } = await cloudOf(server).download('image', PATH, { deadline: 500 });
    await expect(sizeOf(body)).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: expect.stringContaining('stopped in the middle of its answer'),
    });
  });

  test('is refused with the message of the cloud', async () => {
    await using server = await scriptedServer();
    server.on(`GET /image${PATH}`, { status: 403, body: { message: 'You may not.<br />' } });
    await expect(cloudOf(server).download('image', PATH)).rejects.toMatchObject({
      name: 'Forbidden',
      message: `source image answered 403 to GET /image${PATH}: You may not`,
    });
  });

  test('is opened with a fresh token when the first is refused', async () => {
    await using server = await scriptedServer();
    server.on(`GET /image${PATH}`, ({ headers }) =>
      headers['x-auth-token'] === 'token-1' ? { status: 401 } : { body: 'abc' },
    );
    const { body } = await cloudOf(server).download('image', PATH);
    expect(await sizeOf(body)).toBe(3);
  });

  test('that nobody reads is not fetched', async () => {
    await using server = await scriptedServer();
    let given = 0;
    serving(server, 'GET', async (_request, response) => {
      response.writeHead(200, { 'content-length': 300 * MIB });
      for (; given < 300; given += 1)
        if (!response.write(bytes(MIB)))
          await Promise.race([once(response, 'drain'), once(response, 'close')]);
    });
    const { body } = await cloudOf(server).download('image', PATH);
    await once(body, 'readable');
    await wait(300);
    expect(given).toBeLessThan(32);
    body.destroy();
  });

  test('that is given up ends the connection', async () => {
    await using server = await scriptedServer();
    const closed = Promise.withResolvers<void>();
    serving(server, 'GET', (_request, response) => {
      response.on('close', closed.resolve);
      response.write('abc');
    });
    const { body } = await cloudOf(server).download('image', PATH);
    body.destroy();
    await closed.promise;
  });
});

describe('an upload', () => {
  test('of known size announces it', async () => {
    await using server = await scriptedServer();
    const received = receiving(server);
    const body = Readable.from([bytes(10), bytes(20)], { objectMode: false });
    await cloudOf(server).upload('image', PATH, { body, size: 30 });
    expect(received).toMatchObject({
      bytes: 30,
      ended: true,
      headers: { 'content-length': '30', 'content-type': 'application/octet-stream' },
    });
  });

  test('of unknown size goes in chunks', async () => {
    await using server = await scriptedServer();
    const received = receiving(server);
    const body = Readable.from([bytes(10), bytes(20)], { objectMode: false });
    await cloudOf(server).upload('image', PATH, { body });
    expect(received).toMatchObject({
      bytes: 30,
      ended: true,
      headers: { 'transfer-encoding': 'chunked' },
    });
  });

  test('of nothing sends nothing', async () => {
    await using server = await scriptedServer();
    const received = receiving(server);
    await cloudOf(server).upload('image', PATH, { body: Readable.from([]), size: 0 });
    expect(received).toMatchObject({ bytes: 0, ended: true });
  });

  test.each<[string, Buffer[], number]>([
    ['too short', [bytes(10)], 30],
    ['empty', [], 30],
    ['too long', [bytes(10), bytes(40)], 30],
  ])('whose body is %s is CopyCorrupted and never properly ended', async (_title, chunks, size) => {
    await using server = await scriptedServer();
    const received = receiving(server);
    const body = Readable.from(chunks, { objectMode: false });
    await expect(cloudOf(server).upload('image', PATH, { body, size })).rejects.toMatchObject({
      name: 'CopyCorrupted',
    });
    await wait(50);
    expect(received.ended).toBe(false);
  });

  test.each([undefined, 300])(
    'whose body fails is cut and fails like it (size %s)',
    async (size) => {
      await using server = await scriptedServer();
      const received = receiving(server);
      const broken = new Error('the source has died');
      const body = Readable.from(
        (async function* () {
          yield bytes(10);
          await wait(50);
          throw broken;
        })(),
        { objectMode: false },
      );
      await expect(
        cloudOf(server).upload('image', PATH, { body, ...(size === undefined ? {} : { size }) }),
      ).rejects.toMatchObject({ name: 'CloudUnavailable', cause: broken });
      await wait(50);
      expect(received).toMatchObject({ bytes: 10, ended: false });
    },
  );

  test('that the cloud refuses half way ends its body and tells why', async () => {
    await using server = await scriptedServer();
    serving(server, 'PUT', async (request, response) => {
      await once(request, 'data');
      response.writeHead(413, { 'content-type': 'application/json' });
      response.end('{"message":"Image storage quota exceeded"}');
    });
    let taken = 0;
    const body = Readable.from(
      (async function* () {
        for (; taken < 300; taken += 1) {
          await wait(1);
          yield bytes(MIB);
        }
      })(),
      { objectMode: false },
    );
    await expect(
      cloudOf(server).upload('image', PATH, { body, size: 300 * MIB }),
    ).rejects.toMatchObject({ name: 'QuotaExceeded' });
    expect(body.destroyed).toBe(true);
    expect(taken).toBeLessThan(300);
  });

  test('whose token is refused has to be sent again, with a fresh one', async () => {
    await using server = await scriptedServer();
    const tokens: unknown[] = [];
    serving(server, 'PUT', async (request, response) => {
      tokens.push(request.headers['x-auth-token']);
      request.resume();
      await once(request, 'end');
      response.writeHead(tokens.length === 1 ? 401 : 204).end();
    });
    const cloud = cloudOf(server);
    const send = () =>
      cloud.upload('image', PATH, {
        body: Readable.from([bytes(9)], { objectMode: false }),
        size: 9,
      });
    await expect(send()).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: expect.stringContaining('send it again'),
    });
    await send();
    expect(tokens).toEqual(['token-1', 'token-2']);
  });

  test('that stands still is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    receiving(server);
    const body = new Readable({ read: () => {} });
    body.push(bytes(10));
    await expect(
      cloudOf(server).upload('image', PATH, { body, size: 30 }, { deadline: 100 }),
    ).rejects.toMatchObject({ name: 'CloudUnavailable' });
    expect(body.destroyed).toBe(true);
  });

  test('takes no more than the cloud does', async () => {
    await using server = await scriptedServer();
    serving(server, 'PUT', () => {});
    let taken = 0;
    const body = Readable.from(
      (function* () {
        for (; taken < 300; taken += 1) yield bytes(MIB);
      })(),
      { objectMode: false },
    );
    const sent = cloudOf(server)
      .upload('image', PATH, { body, size: 300 * MIB })
      .catch(() => {});
    await wait(300);
    expect(taken).toBeLessThan(32);
    body.destroy();
    await sent;
  });
});
