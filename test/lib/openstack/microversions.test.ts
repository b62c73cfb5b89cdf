import { describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { versionUrl } from '../../../lib/openstack/microversions.ts';
import type { ServiceName } from '../../../lib/ports.ts';
import { scriptedServer } from './scripted-server.ts';

const CASES: [ServiceName, string, string, string][] = [
  ['compute', '/compute/v2.1/x', 'openstack-api-version', 'compute 2.90'],
  ['volumev3', '/volume/v3/own/x', 'openstack-api-version', 'volume 3.66'],
  ['placement', '/placement/x', 'openstack-api-version', 'placement 1.36'],
  ['baremetal', '/baremetal/x', 'x-openstack-ironic-api-version', '1.78'],
];

describe('a microversion', () => {
  test.each(CASES)(
    'of %s is ours where the cloud has it',
    async (service, route, header, value) => {
      await using server = await scriptedServer();
      server.on(`GET ${route}`, { body: {} });
      await openCloud(server.config(), 'source').get(service, '/x');
      expect(server.seen.at(-1)?.headers[header]).toBe(value);
    },
  );

  test('is the highest of an older cloud, asked for once for all scopes', async () => {
    await using server = await scriptedServer();
    server.on('GET /compute/v2.1/', { body: { version: { version: '2.60', min_version: '2.1' } } });
    server.on('GET /compute/v2.1/x', { body: {} });
    const cloud = openCloud(server.config(), 'source');
    await Promise.all([cloud.get('compute', '/x'), cloud.scopedTo('t').get('compute', '/x')]);
    expect(server.seen.at(-1)?.headers['openstack-api-version']).toBe('compute 2.60');
    expect(server.times('GET /compute/v2.1/')).toBe(1);
  });

  test.each([
    [{ version: { version: '2.53', min_version: '2.1' } }, 'has 2.1 to 2.53'],
    [{ version: { version: '2.120', min_version: '2.95' } }, 'has 2.95 to 2.120'],
    [{ version: { version: '', min_version: '' } }, 'has no microversions'],
  ])('that the cloud lacks is a clear refusal', async (body, words) => {
    await using server = await scriptedServer();
    server.on('GET /compute/v2.1/', { body });
    await expect(openCloud(server.config(), 'source').get('compute', '/x')).rejects.toMatchObject({
      name: 'RequestRefused',
      message: `source compute ${words}, Pumphouse needs 2.60 to 2.90 (Queens or newer)`,
    });
  });

  test('that a call names goes out as it is', async () => {
    await using server = await scriptedServer();
    server.on('GET /compute/v2.1/x', { body: {} });
    await openCloud(server.config(), 'source').get('compute', '/x', { microversion: '2.87' });
    expect(server.seen.at(-1)?.headers['openstack-api-version']).toBe('compute 2.87');
    expect(server.times('GET /compute/v2.1/')).toBe(0);
  });

  test('whose question failed is asked for again by the next call', async () => {
    await using server = await scriptedServer();
    const version = { version: { version: '2.93', min_version: '2.1' } };
    server.on('GET /compute/v2.1/', (_seen, before) =>
      before === 0 ? { status: 500 } : { body: version },
    );
    server.on('GET /compute/v2.1/x', { body: { ok: true } });
    const cloud = openCloud(server.config(), 'source');
    await expect(cloud.get('compute', '/x')).rejects.toMatchObject({ name: 'CloudUnavailable' });
    expect(await cloud.get('compute', '/x')).toEqual({ ok: true });
  });

  test('is asked for again with a fresh token when the first is refused', async () => {
    await using server = await scriptedServer();
    const version = { version: { version: '2.93', min_version: '2.1' } };
    server.on('GET /compute/v2.1/', ({ headers }) =>
      headers['x-auth-token'] === 'token-1' ? { status: 401 } : { body: version },
    );
    server.on('GET /compute/v2.1/x', { body: { ok: true } });
    expect(await openCloud(server.config(), 'source').get('compute', '/x')).toEqual({ ok: true });
  });
});

test.each([
  ['http://c:8774/v2.1', 'http://c:8774/v2.1/'],
  ['http://c/compute/v2.1/0123', 'http://c/compute/v2.1/'],
  ['http://c:8776/v3/0123', 'http://c:8776/v3/'],
  ['http://c/placement', 'http://c/placement/'],
])('the versions of %s are told at %s', (endpoint, url) => {
  expect(versionUrl(endpoint).href).toBe(url);
});
