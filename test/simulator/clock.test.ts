import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../lib/simulator/simulator.ts';
import type { Body, Session } from '../contract/openstack/session.ts';
import { dataFolder, openEntry } from './running.ts';

let data: ReturnType<typeof dataFolder>;
let simulator: Simulator;
let admin: Session;
let now: number;

async function start(pace: number) {
  simulator = await startSimulator({
    dataDir: data.path,
    clock: { now: () => new Date(now) },
    pace,
    tenants: 2,
    servers: 4,
    imageMib: 1,
  });
  admin = await openEntry(simulator.cloudsYaml(), 'source');
}
beforeEach(() => {
  data = dataFolder();
  now = Date.parse('2026-03-01T12:00:00Z');
});
afterEach(async () => {
  await simulator.close();
  data.remove();
});

const call = (method: string, path: string, body?: unknown): Promise<Body> =>
  admin.call(method, 'compute', path, { version: '2.93', ...(body ? { body } : {}) });

async function boot(): Promise<() => Promise<Body>> {
  const flavors = await call('GET', '/flavors');
  const images = await admin.call('GET', 'image', '/v2/images?visibility=public');
  const server = {
    name: 'timed',
    networks: 'none',
    flavorRef: flavors.body.flavors[0].id,
    imageRef: images.body.images[0].id,
  };
  const made = await call('POST', '/servers', { server });
  return async () => (await call('GET', `/servers/${made.body.server.id}`)).body.server;
}

const pass = (seconds: number) => {
  now += seconds * 1000;
};

describe('time', () => {
  test('stands still with the clock, and a server builds as it goes on', async () => {
    await start(1);
    const show = await boot();
    expect(await show()).toMatchObject({
      status: 'BUILD',
      'OS-EXT-STS:task_state': 'scheduling',
      'OS-EXT-SRV-ATTR:host': null,
    });
    pass(1);
    expect(await show()).toMatchObject({ status: 'BUILD', 'OS-EXT-STS:task_state': 'spawning' });
    pass(2);
    expect(await show()).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
  });

  test('that passes unseen is caught up with in the right order', async () => {
    await start(1);
    const show = await boot();
    pass(3600);
    expect(await show()).toMatchObject({ status: 'ACTIVE' });
  });

  test('is stretched by the pace', async () => {
    await start(10);
    const show = await boot();
    pass(20);
    expect((await show()).status).toBe('BUILD');
    pass(10);
    expect((await show()).status).toBe('ACTIVE');
  });

  test('does not matter at pace 0', async () => {
    await start(0);
    const show = await boot();
    expect((await show()).status).toBe('ACTIVE');
  });

  test('ends a token after four hours', async () => {
    await start(1);
    pass(4 * 3600 - 1);
    expect((await call('GET', '/flavors')).status).toBe(200);
    pass(2);
    expect((await call('GET', '/flavors')).status).toBe(401);
  });
});
