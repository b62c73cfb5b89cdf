import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { loadCloud } from '../../../lib/openstack/clouds-yaml.ts';
import { retryAfter } from '../../../lib/openstack/request.ts';
import type { Cloud } from '../../../lib/ports.ts';
import {
  cloudsText,
  fakeClock,
  type Reply,
  type ScriptedServer,
  scriptedServer,
} from './scripted-server.ts';

const PATH = '/volumes/1';
const ROUTE = (method: string) => `${method} /volume/v3/own${PATH}`;

const CALLS: Record<string, (cloud: Cloud) => Promise<unknown>> = {
  GET: (cloud) => cloud.get('volumev3', PATH),
  PUT: (cloud) => cloud.put('volumev3', PATH, { a: 1 }),
  DELETE: (cloud) => cloud.delete('volumev3', PATH),
  POST: (cloud) => cloud.post('volumev3', PATH, { a: 1 }),
  PATCH: (cloud) => cloud.patch('volumev3', PATH, { a: 1 }),
};

/** Answers so the first times, then 200. */
const failing = (server: ScriptedServer, method: string, times: number, reply: Reply | 'cut') =>
  server.on(ROUTE(method), (_seen, before, { request }) => {
    if (before >= times) return { body: { ok: true } };
    if (reply !== 'cut') return reply;
    request.socket.destroy();
    return undefined;
  });

const trial = async (method: string, times: number, reply: Reply | 'cut') => {
  await using server = await scriptedServer();
  failing(server, method, times, reply);
  const clock = fakeClock();
  const cloud = openCloud(server.config(), 'source', { clock, random: () => 0.5 });
  const outcome = await CALLS[method]?.(cloud).then(
    () => 'done',
    (error) => error.name,
  );
  return { outcome, sent: server.times(ROUTE(method)), slept: clock.slept };
};

describe('a request is sent again', () => {
  test.each(['GET', 'PUT', 'DELETE'])('when a %s meets a passing failure', async (method) => {
    for (const status of [429, 502, 503, 504])
      expect(await trial(method, 1, { status })).toEqual({
        outcome: 'done',
        sent: 2,
        slept: [375],
      });
    expect(await trial(method, 1, 'cut')).toMatchObject({ outcome: 'done', sent: 2 });
  });

  test.each(['POST', 'PATCH'])(
    'when a %s is told when to come back, and then only',
    async (method) => {
      for (const status of [429, 503]) {
        const headers = { 'retry-after': '7' };
        expect(await trial(method, 1, { status, headers })).toEqual({
          outcome: 'done',
          sent: 2,
          slept: [7000],
        });
        expect(await trial(method, 1, { status })).toMatchObject({
          outcome: 'CloudUnavailable',
          sent: 1,
        });
      }
      for (const reply of [{ status: 502 }, { status: 504 }, 'cut'] as const)
        expect(await trial(method, 1, reply)).toMatchObject({
          outcome: 'CloudUnavailable',
          sent: 1,
        });
    },
  );

  test('never after 500: it may have been carried out', async () => {
    for (const method of ['GET', 'POST'])
      expect(await trial(method, 1, { status: 500 })).toMatchObject({
        outcome: 'CloudUnavailable',
        sent: 1,
      });
  });

  test('after pauses that double, with jitter, five times in all', async () => {
    const { outcome, sent, slept } = await trial('GET', 99, { status: 503 });
    expect({ outcome, sent }).toEqual({ outcome: 'CloudUnavailable', sent: 5 });
    expect(slept).toEqual([375, 750, 1500, 3000]);
  });

  test('no sooner than Retry-After says', async () => {
    const { slept } = await trial('GET', 1, { status: 503, headers: { 'retry-after': '20' } });
    expect(slept).toEqual([20_000]);
  });

  test('not at all when its deadline would be over by then', async () => {
    const reply = { status: 503, headers: { 'retry-after': '61' } };
    expect(await trial('GET', 1, reply)).toEqual({
      outcome: 'CloudUnavailable',
      sent: 1,
      slept: [],
    });
  });

  test('not when it changes the power of a node', async () => {
    await using server = await scriptedServer();
    server.on('PUT /baremetal/v1/nodes/n/states/power', { status: 503 });
    const cloud = openCloud(server.config(), 'source', { clock: fakeClock() });
    await expect(
      cloud.put('baremetal', '/v1/nodes/n/states/power', { target: 'power on' }),
    ).rejects.toMatchObject({ name: 'CloudUnavailable' });
    expect(server.times('PUT /baremetal/v1/nodes/n/states/power')).toBe(1);
  });

  test('whatever its method, when nobody listened', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const clock = fakeClock();
    const config = loadCloud(cloudsText(`http://127.0.0.1:${port}`), 'east');
    await expect(openCloud(config, 'source', { clock }).self()).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: `source identity at http://127.0.0.1:${port} refuses connections (POST /v3/auth/tokens)`,
    });
    expect(clock.slept).toHaveLength(4);
  });
});

describe('a request', () => {
  test('that gets no answer before its deadline is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', () => undefined);
    const cloud = openCloud(server.config(), 'source');
    await cloud.self();
    await expect(cloud.get('identity', '/users', { deadline: 50 })).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: expect.stringContaining('did not answer in time'),
    });
  });

  test('takes the deadline of clouds.yaml where it names none', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', { status: 503, headers: { 'retry-after': '3' } });
    const clock = fakeClock();
    const config = server.config('    api_timeout: 5');
    await openCloud(config, 'source', { clock })
      .get('identity', '/users')
      .catch(() => {});
    expect(clock.slept).toEqual([3000]);
  });

  test('carries query, body and content type', async () => {
    await using server = await scriptedServer();
    server.on('PATCH /image/v2/images/1', { body: {} });
    const cloud = openCloud(server.config(), 'source');
    const query = { a: 'x y', tag: ['one', 'two'], none: undefined, yes: true };
    await cloud.patch('image', '/v2/images/1', [{ op: 'remove' }], { query });
    expect(server.seen.at(-1)).toMatchObject({
      url: '/image/v2/images/1?a=x+y&tag=one&tag=two&yes=true',
      body: '[{"op":"remove"}]',
      headers: {
        'content-type': 'application/openstack-images-v2.1-json-patch',
        'x-auth-token': 'token-1',
      },
    });
  });

  test('whose answer has no body gives undefined', async () => {
    await using server = await scriptedServer();
    server.on('POST /v3/things', { status: 204 });
    const cloud = openCloud(server.config(), 'source');
    expect(await cloud.post('identity', '/things', undefined)).toBeUndefined();
  });

  test('whose answer is not JSON is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', { body: '<html>maintenance</html>' });
    await expect(
      openCloud(server.config(), 'source').get('identity', '/users'),
    ).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: 'source identity answered 200 to GET /users with something that is not JSON',
    });
  });

  test('to delete what is gone succeeds', async () => {
    await using server = await scriptedServer();
    server.on('DELETE /v3/users/1', { status: 404 });
    const cloud = openCloud(server.config(), 'source');
    expect(await cloud.delete('identity', '/users/1')).toBeUndefined();
    server.on('DELETE /v3/users/1', { status: 403 });
    await expect(cloud.delete('identity', '/users/1')).rejects.toMatchObject({ name: 'Forbidden' });
  });
});

test('Retry-After is seconds or a date', () => {
  const now = new Date('2030-01-01T00:00:00Z');
  const after = (value: string) => retryAfter({ 'retry-after': value }, now);
  expect(after('12')).toBe(12_000);
  expect(after('Tue, 01 Jan 2030 00:00:30 GMT')).toBe(30_000);
  expect(after('Mon, 31 Dec 2029 00:00:00 GMT')).toBe(0);
  expect(after('soon')).toBeUndefined();
  expect(retryAfter({}, now)).toBeUndefined();
});
