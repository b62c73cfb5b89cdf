import { describe, expect, test } from 'vitest';
import { send, underContract } from './session.ts';

const { cloud } = underContract();

const root = (service: string, cut: RegExp) => cloud.admin.url(service).replace(cut, '');

describe('version discovery', () => {
  test('Keystone shows v3 to whoever asks', async () => {
    const answer = await send('GET', cloud.authUrl, undefined);
    expect(answer.status).toBe(200);
    expect(answer.body.version).toMatchObject({ id: 'v3.14', status: 'stable' });
    const list = await send('GET', `${cloud.authUrl.replace(/\/v3\/?$/, '')}/`, undefined);
    expect(list.status).toBe(300);
    expect(list.body.versions.values[0].id).toBe('v3.14');
  });

  test('Nova shows microversions 2.1 to 2.93', async () => {
    const answer = await send('GET', `${cloud.admin.url('compute')}/`, undefined);
    expect(answer.body.version).toMatchObject({
      id: 'v2.1',
      version: '2.93',
      min_version: '2.1',
      status: 'CURRENT',
    });
    const list = await send('GET', `${root('compute', /\/v2\.1$/)}/`, undefined);
    expect(list.body.versions.map((one: { id: string }) => one.id)).toEqual(['v2.0', 'v2.1']);
  });

  test('Cinder shows microversions 3.0 to 3.70', async () => {
    const answer = await send('GET', `${root('volumev3', /\/v3\/[^/]+$/)}/`, undefined);
    expect(answer.status).toBe(300);
    expect(answer.body.versions[0]).toMatchObject({
      id: 'v3.0',
      version: '3.70',
      min_version: '3.0',
    });
  });

  test('Glance and Neutron list their versions, Placement its range', async () => {
    const image = await send('GET', `${cloud.admin.url('image')}/`, undefined);
    expect(image.status).toBe(300);
    expect(image.body.versions[0]).toMatchObject({ id: 'v2.15', status: 'CURRENT' });
    const network = await send('GET', `${cloud.admin.url('network')}/`, undefined);
    expect(network.body.versions[0]).toMatchObject({ id: 'v2.0', status: 'CURRENT' });
    const placement = await send('GET', `${cloud.admin.url('placement')}/`, undefined);
    expect(placement.body.versions[0]).toMatchObject({ max_version: '1.39', min_version: '1.0' });
  });
});

describe('microversions', () => {
  test('the version of the answer is in its headers', async () => {
    const compute = await cloud.admin.call('GET', 'compute', '/flavors', { version: '2.60' });
    expect(compute.headers.get('openstack-api-version')).toBe('compute 2.60');
    expect(compute.headers.get('x-openstack-nova-api-version')).toBe('2.60');
    const volume = await cloud.admin.call('GET', 'volumev3', '/types', { version: '3.40' });
    expect(volume.headers.get('openstack-api-version')).toBe('volume 3.40');
  });

  test('without a version the oldest is spoken', async () => {
    const answer = await cloud.admin.call('GET', 'compute', '/flavors');
    expect(answer.headers.get('openstack-api-version')).toBe('compute 2.1');
  });

  test.each([
    ['compute', '/flavors', '2.99'],
    ['volumev3', '/types', '3.99'],
    ['placement', '/resource_providers', '1.99'],
  ])('%s answers 406 to a version that it does not have', async (service, path, version) => {
    const answer = await cloud.admin.call('GET', service, path, { version });
    expect(answer.status).toBe(406);
  });
});

describe('every service', () => {
  test.each([
    ['identity', '/projects'],
    ['compute', '/servers'],
    ['image', '/v2/images'],
    ['network', '/v2.0/networks'],
    ['volumev3', '/volumes'],
    ['placement', '/resource_providers'],
  ])('%s answers 401 to a bad token and says where to get a good one', async (service, path) => {
    const answer = await send('GET', `${cloud.admin.url(service)}${path}`, 'not-a-token');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Keystone uri=');
    const without = await send('GET', `${cloud.admin.url(service)}${path}`, undefined);
    expect(without.status).toBe(401);
  });

  test.each([
    ['identity', '/projects'],
    ['compute', '/servers'],
    ['image', '/v2/images'],
    ['network', '/v2.0/networks'],
    ['volumev3', '/volumes'],
    ['placement', '/resource_providers'],
  ])('%s names the request in its answer', async (service, path) => {
    const answer = await cloud.admin.call('GET', service, path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/);
  });
});
