import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../lib/simulator/simulator.ts';
import type { Body, Session } from '../contract/openstack/session.ts';
import { dataFolder, openEntry } from './running.ts';

const data = dataFolder();
let simulator: Simulator;
let admin: Session;
beforeAll(async () => {
  simulator = await startSimulator({
    dataDir: data.path,
    pace: 0,
    tenants: 2,
    servers: 4,
    imageMib: 1,
  });
  admin = await openEntry(simulator.cloudsYaml(), 'source');
});
afterAll(async () => {
  await simulator.close();
  data.remove();
});

const control = (method: string, path: string, body?: unknown) =>
  fetch(`${simulator.url}/_simulator${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const calls = async (): Promise<Body[]> => {
  const body: Body = await (await control('GET', '/calls')).json();
  return body.calls;
};

afterEach(async () => {
  await control('DELETE', '/faults');
  await control('DELETE', '/calls');
});

const flavors = () => admin.call('GET', 'compute', '/flavors');

describe('a fault', () => {
  test('answers in the place of the service, so many times, after so many calls', async () => {
    const outcome = { status: 503, body: { error: 'busy' }, headers: { 'Retry-After': '1' } };
    await control('POST', '/faults', [
      { service: 'compute', method: 'get', path: '^/flavors', after: 1, times: 2, outcome },
    ]);
    const statuses = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await flavors()).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  test('strikes only the cloud, service, method and path that it names', async () => {
    await control('POST', '/faults', [
      { cloud: 'destination', service: 'compute', outcome: { status: 500 } },
      { cloud: 'source', service: 'network', outcome: { status: 500 } },
      { service: 'compute', method: 'POST', outcome: { status: 500 } },
    ]);
    expect((await flavors()).status).toBe(200);
    expect((await admin.call('GET', 'network', '/v2.0/networks')).status).toBe(500);
  });

  test('cuts the connection before the work', async () => {
    await control('POST', '/faults', [
      { method: 'POST', path: '/flavors', times: 1, outcome: 'cut' },
    ]);
    const flavor = { name: 'cut', ram: 1, vcpus: 1, disk: 1 };
    await expect(admin.call('POST', 'compute', '/flavors', { body: { flavor } })).rejects.toThrow();
    const { body } = await flavors();
    expect(body.flavors.map((one: Body) => one.name)).not.toContain('cut');
  });

  test('loses the answer after the work', async () => {
    await control('POST', '/faults', [
      { method: 'POST', path: '/flavors', times: 1, outcome: 'lose' },
    ]);
    const flavor = { name: 'lost', ram: 1, vcpus: 1, disk: 1 };
    await expect(admin.call('POST', 'compute', '/flavors', { body: { flavor } })).rejects.toThrow();
    const { body } = await flavors();
    expect(body.flavors.map((one: Body) => one.name)).toContain('lost');
  });

  test('hangs until the caller gives up', async () => {
    await control('POST', '/faults', [{ service: 'compute', times: 1, outcome: 'hang' }]);
    const signal = AbortSignal.timeout(300);
    const headers = { 'X-Auth-Token': admin.token };
    await expect(fetch(`${admin.url('compute')}/flavors`, { headers, signal })).rejects.toThrow();
    expect((await flavors()).status).toBe(200);
  });

  test('delays, and then the service answers', async () => {
    await control('POST', '/faults', [{ service: 'compute', times: 1, outcome: { delay: 50 } }]);
    expect((await flavors()).status).toBe(200);
  });
});

test('every call is logged in its order, until the log is cleared', async () => {
  await flavors();
  await admin.call('GET', 'network', '/v2.0/networks?limit=1');
  const [first, second] = await calls();
  expect(first).toMatchObject({
    cloud: 'source',
    service: 'compute',
    method: 'GET',
    path: '/flavors',
    status: 200,
  });
  expect(second).toMatchObject({ service: 'network', path: '/v2.0/networks?limit=1' });
  expect(second.number).toBe(first.number + 1);
  await control('DELETE', '/calls');
  expect(await calls()).toEqual([]);
});

describe('a web page', () => {
  const status = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { port } = simulator;
      request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end('{}');
    });

  test.each([
    '/_simulator/reset',
    '/source/identity/v3/auth/tokens',
    '/source/compute/v2.1/servers',
  ])('cannot reach %s, neither from its origin nor by a name of its own', async (path) => {
    expect(await status(path, { Origin: 'http://evil.example' })).toBe(403);
    expect(await status(path, { Host: 'evil.example' })).toBe(403);
    expect(await status(path, { Origin: 'null' })).toBe(403);
  });
});
