import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud, Query } from '../../lib/ports.ts';
import { type ComputeService, computeServices, hostStatus } from '../../lib/resources/host.ts';
import { all } from '../../lib/resources/resource-type.ts';
import { type Volume, volume } from '../../lib/resources/volume.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../support/simulated-runtime.ts';

let bench: SimulatedRuntime;
let source: Cloud;

beforeAll(async () => {
  bench = await openSimulatedRuntime({}, {}, { servers: 8, imageMib: 1 });
  ({ source } = await bench.runtime.clouds());
  await bench.synchronise();
});

afterAll(() => bench.close());

const listed = async <T>(service: 'compute' | 'volumev3', path: string, key: string) => {
  const query: Query = { all_tenants: true };
  return all(source.list<T & { id: string }>(service, path, key, { query }));
};

const set = ({ id }: ComputeService, change: object) =>
  source.put('compute', `/os-services/${id}`, change);

const hostItems = async () => {
  const items = await bench.runtime.world.list('source', 'host');
  return Object.fromEntries(items.map(({ id, view, observed }) => [id, { view, observed }]));
};

describe('both clouds, synchronised', () => {
  test('every server of every tenant stands in the world', async () => {
    const servers = await listed('compute', '/servers/detail', 'servers');
    const items = await bench.runtime.world.list('source', 'server');
    expect(servers.length).toBeGreaterThan(0);
    expect(items.map(({ id }) => id).sort()).toEqual(servers.map(({ id }) => id).sort());
  });

  test('hosts stand under their names: available, blocked when disabled, error when down', async () => {
    const [first, second, third] = await all(computeServices(source));
    if (!first || !second || !third) throw new Error('Three hosts are needed');
    await set(second, { status: 'disabled', disabled_reason: 'bad memory' });
    await set(third, { forced_down: true });
    await bench.synchronise();
    expect(await hostItems()).toMatchObject({
      [first.host]: { view: { name: first.host }, observed: 'available' },
      [second.host]: { observed: 'blocked' },
      [third.host]: { observed: 'error' },
    });
    await set(second, { status: 'enabled' });
    await set(third, { forced_down: false });
    await bench.synchronise();
    expect((await hostItems())[second.host]?.observed).toBe('available');
  });

  test('a host of which Nova only knows that it does not know is an error', () => {
    const unknown = { host: 'h1', status: 'UNKNOWN' } as unknown as ComputeService;
    expect(hostStatus(unknown)).toBe('error');
  });

  test('volumes of all tenants are shown with size and owner', async () => {
    const volumes = await listed<Volume>('volumev3', '/volumes/detail', 'volumes');
    const items = await bench.runtime.world.list('source', 'volume');
    expect(items.map(({ id, view }) => [id, view.size, view.tenant_id]).sort()).toEqual(
      volumes.map((one) => [one.id, one.size, one['os-vol-tenant-attr:tenant_id']]).sort(),
    );
  });

  test.each([
    ['available', undefined],
    ['error', 'error'],
    ['error_deleting', 'error'],
  ])('a volume that is %s shows %s', (status, shown) => {
    const body = { id: 'v', name: '', size: 1, status };
    expect(volume.world.observed?.(body)).toBe(shown);
    expect(volume.world.view(body)).toEqual({ size: 1 });
  });

  test('a cloud without block storage has no volumes, which is no failure', async () => {
    const without = { offers: async () => false } as unknown as Cloud;
    expect(await all(volume.world.list(without))).toEqual([]);
  });

  test('a service that fails keeps what is known of it and is told of', async () => {
    const before = await bench.runtime.world.list('source', 'volume');
    await bench.fault({ cloud: 'source', path: '/volumes/detail' }, { status: 400, body: {} });
    for (let run = 0; run < 2; run += 1) await bench.synchronise();
    expect(await bench.runtime.world.list('source', 'volume')).toEqual(before);
    const { clouds } = await bench.runtime.world.read();
    const errors = Object.fromEntries(clouds.map(({ cloud, error }) => [cloud, error]));
    expect(errors.source).toContain('/volumes/detail');
    expect(errors.destination).toBeUndefined();
    await bench.reset();
  });

  test('without consoles in clouds.yaml Keystone is shown, with them they are', async () => {
    const { source: config } = await bench.runtime.cloudConfigs();
    const shown = async () =>
      (await bench.runtime.world.read()).clouds.find(({ cloud }) => cloud === 'source')?.urls;
    await bench.synchronise();
    expect(await shown()).toEqual({ keystone: config.authUrl });
    const named = { horizon: 'https://192.0.2.6/horizon' };
    await bench.synchronise({ source: { ...config, urls: named } });
    expect(await shown()).toEqual(named);
  });
});
