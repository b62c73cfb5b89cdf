import { describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { loadCloud } from '../../../lib/openstack/clouds-yaml.ts';
import { fakeClock, type Script, scriptedServer } from './scripted-server.ts';

const TOKENS = 'POST /v3/auth/tokens';
const refusing =
  (refused: string[]): Script =>
  ({ headers }) =>
    refused.includes(String(headers['x-auth-token']))
      ? {
          status: 401,
          body: { error: { message: 'The request you have made is not authorized.' } },
        }
      : { body: { users: [], token: headers['x-auth-token'] } };

describe('a session', () => {
  test('asks for one token, however many calls begin at once', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', refusing([]));
    const cloud = openCloud(server.config(), 'source');
    await Promise.all([1, 2, 3, 4, 5].map(() => cloud.get('identity', '/users')));
    expect(server.times(TOKENS)).toBe(1);
  });

  test('is renewed once when the cloud answers 401 to several calls at once', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', refusing(['token-1']));
    const cloud = openCloud(server.config(), 'source');
    const answers = await Promise.all([1, 2, 3, 4].map(() => cloud.get('identity', '/users')));
    expect(answers).toEqual(Array(4).fill({ users: [], token: 'token-2' }));
    expect(server.times(TOKENS)).toBe(2);
  });

  test('that is refused with a fresh token, too, is CredentialsRefused', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', refusing(['token-1', 'token-2']));
    const cloud = openCloud(server.config(), 'source');
    await expect(cloud.get('identity', '/users')).rejects.toMatchObject({
      name: 'CredentialsRefused',
      message: expect.stringContaining('not authorized'),
      call: { cloud: 'source', status: 401 },
    });
    expect(server.times('GET /v3/users')).toBe(2);
    expect(server.times(TOKENS)).toBe(2);
  });

  test('is renewed before its token ends', async () => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', refusing([]));
    const clock = fakeClock();
    const cloud = openCloud(server.config(), 'source', { clock });
    await cloud.get('identity', '/users');
    clock.pass((14_400 - 301) * 1000);
    expect(await cloud.get('identity', '/users')).toMatchObject({ token: 'token-1' });
    clock.pass(2_000);
    expect(await cloud.get('identity', '/users')).toMatchObject({ token: 'token-2' });
  });

  test('with short tokens is not renewed at every call', async () => {
    await using server = await scriptedServer();
    server.tokenLife.seconds = 120;
    server.on('GET /v3/users', refusing([]));
    const cloud = openCloud(server.config(), 'source', { clock: fakeClock() });
    for (let call = 0; call < 3; call += 1) await cloud.get('identity', '/users');
    expect(server.times(TOKENS)).toBe(1);
  });

  test('with a wrong password names cloud, user and URL, and never the password', async () => {
    await using server = await scriptedServer();
    server.on(TOKENS, { status: 401, body: { error: { message: 'Wrong user or password.' } } });
    const failure = await openCloud(server.config(), 'source')
      .self()
      .catch((error) => error);
    expect(failure).toMatchObject({ name: 'CredentialsRefused', call: { status: 401 } });
    expect(failure.message).toBe(
      `source identity refuses user "operator" (cloud "east", ${server.url}/v3): Wrong user or password`,
    );
    expect(JSON.stringify(failure) + failure.stack).not.toContain('hunter2');
  });

  test('at something that is not Keystone is CloudUnavailable', async () => {
    await using server = await scriptedServer();
    server.on(TOKENS, { status: 201, body: '<html>welcome</html>' });
    await expect(openCloud(server.config(), 'source').self()).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: expect.stringContaining('does not answer as Keystone v3 does'),
    });
  });

  test('tells who we are', async () => {
    await using server = await scriptedServer();
    expect(await openCloud(server.config(), 'source').self()).toEqual({
      userId: 'user-1',
      projectId: 'own',
      roles: ['admin'],
    });
  });
});

describe('another project', () => {
  test('is a scope of its own, with one token for all who use it', async () => {
    await using server = await scriptedServer();
    const cloud = openCloud(server.config(), 'source');
    expect((await cloud.self()).projectId).toBe('own');
    expect((await cloud.scopedTo('tenant-7').self()).projectId).toBe('tenant-7');
    await cloud.scopedTo('tenant-7').self();
    expect(server.times(TOKENS)).toBe(2);
    expect(JSON.parse(server.seen[1]?.body ?? '').auth.scope).toEqual({
      project: { id: 'tenant-7' },
    });
  });

  test('cannot be entered with an application credential', async () => {
    await using server = await scriptedServer();
    const text = `
clouds:
  east:
    auth_type: v3applicationcredential
    auth:
      auth_url: ${server.url}
      application_credential_id: abc
      application_credential_secret: s3cret
    region_name: here
`;
    const cloud = openCloud(loadCloud(text, 'east'), 'source');
    expect((await cloud.self()).userId).toBe('user-1');
    expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'abc', secret: 's3cret' },
        },
      },
    });
    expect(() => cloud.scopedTo('tenant-7')).toThrow(
      expect.objectContaining({
        name: 'CredentialsRefused',
        message: expect.stringContaining('acts in its own project only'),
      }),
    );
  });
});

describe('the catalog', () => {
  test('is read in our region and interface', async () => {
    await using server = await scriptedServer();
    server.on('GET /there/image/v2/images', { body: { images: [], from: 'there' } });
    const text = server.config();
    const cloud = openCloud({ ...text, regionName: 'there' }, 'source');
    expect(await cloud.get('image', '/v2/images')).toMatchObject({ from: 'there' });
    server.on('GET /internal/image/v2/images', { body: { from: 'internal' } });
    const inside = openCloud({ ...text, interface: 'internal' }, 'source');
    expect(await inside.get('image', '/v2/images')).toEqual({ from: 'internal' });
  });

  test('says which services are offered', async () => {
    await using server = await scriptedServer();
    const cloud = openCloud(server.config(), 'source');
    expect(await cloud.offers('baremetal')).toBe(true);
    expect(await cloud.offers('load-balancer')).toBe(false);
    await expect(cloud.get('load-balancer', '/v2/lbaas/loadbalancers')).rejects.toMatchObject({
      name: 'RequestRefused',
      message: 'source offers no load-balancer service (region here, interface public)',
    });
  });

  test('with several regions wants one named', async () => {
    await using server = await scriptedServer();
    const { regionName: _, ...config } = server.config();
    await expect(openCloud(config, 'source').get('image', '/v2/images')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('region_name is missing, and the catalog has here, there'),
    });
  });

  test('gives way to an endpoint override', async () => {
    await using server = await scriptedServer();
    server.on('GET /elsewhere/v2/images', { body: { from: 'elsewhere' } });
    const config = server.config(`    image_endpoint_override: ${server.url}/elsewhere/v2/`);
    const answer = await openCloud(config, 'source').get('image', '/v2/images');
    expect(answer).toEqual({ from: 'elsewhere' });
  });
});
