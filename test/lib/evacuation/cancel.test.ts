import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cancelMigration } from '../../../lib/commands/cancel-migration.ts';
import { getMigration } from '../../../lib/commands/get-migration.ts';
import { type EvacuationBench, evacuationBench, soon } from './bench.ts';

let bench: EvacuationBench;

beforeAll(async () => {
  bench = await evacuationBench({ tenants: 2, servers: 8, pace: 0.02 });
});

beforeEach(() => bench.renew());

afterAll(() => bench.close());

const HANGS = { bed_seconds: '100000' };

const untilMigrating = (server: { id: string } | undefined) =>
  soon(async () => (await bench.server(server?.id))['OS-EXT-STS:task_state']).toBe('migrating');

const cancel = (id: string) => cancelMigration(bench.runtime, id);

const serversOf = async (id: string) =>
  (await getMigration(bench.runtime, id)) as { servers: Record<string, unknown>[] };

describe('an evacuation that is cancelled', () => {
  test('aborts what is on its way, begins nothing more, and ends saying so', async () => {
    const { host, servers } = await bench.busyHost(3);
    for (const one of servers) await bench.steer(one, HANGS);
    const id = await bench.begin(host, { parallel: 1 });
    await soon(async () => (await bench.runtime.events.tail(id)) > 2).toBe(true);
    const begun = (await bench.runtime.events.read(id, 0)).find(
      ({ name }) => name === 'server live migration',
    );
    await untilMigrating({ id: String(begun?.data.id) });
    expect(await cancel(id)).toMatchObject({ id, kind: 'evacuation', state: 'running' });
    const { end, names } = await bench.story(id);
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('cancelled') });
    expect(names.filter((name) => name === 'server live migration')).toHaveLength(1);
    for (const one of servers) {
      expect(await bench.server(one.id)).toMatchObject({
        ...{ status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': host, 'OS-EXT-STS:task_state': null },
      });
    }
    expect(await bench.service(host)).toMatchObject({ status: 'enabled' });
    expect(await bench.runtime.operations.running()).toEqual([]);
    const states = (await serversOf(id)).servers.map(({ state }) => state);
    expect(states.sort()).toEqual(['failed', ...servers.slice(1).map(() => 'skipped')].sort());
  });

  test('lets a cold move go to its end, confirmed', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [off] = servers;
    await bench.bring(off, 'SHUTOFF');
    const others = servers.slice(1);
    for (const one of others) await bench.steer(one, HANGS);
    const id = await bench.begin(host);
    await soon(async () => (await bench.migrationsOf(off)).length).toBe(1);
    await cancel(id);
    const { end, of } = await bench.story(id);
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('cancelled') });
    expect(of(off)).toEqual(['server cold migration', 'server cold migrated']);
    expect((await bench.server(off?.id)).status).toBe('SHUTOFF');
    expect((await bench.migrationsOf(off)).map(({ status }) => status)).toEqual(['confirmed']);
  });

  test('suspends again what it has resumed', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [asleep] = servers;
    for (const one of servers) await bench.steer(one, HANGS);
    await bench.bring(asleep, 'SUSPENDED');
    const id = await bench.begin(host);
    await untilMigrating(asleep);
    await cancel(id);
    const { of } = await bench.story(id);
    expect(of(asleep).at(-1)).toBe('server live migration failed');
    expect(await bench.server(asleep?.id)).toMatchObject({
      ...{ status: 'SUSPENDED', 'OS-EXT-SRV-ATTR:host': host },
    });
  });

  test('answers the same again while it runs, and 409 once it has ended', async () => {
    const { host, servers } = await bench.busyHost(1);
    for (const one of servers) await bench.steer(one, HANGS);
    const id = await bench.begin(host);
    const first = await cancel(id);
    expect(first.cancelled_at).toBeTruthy();
    expect(await cancel(id)).toEqual(first);
    await bench.story(id);
    await expect(cancel(id)).rejects.toMatchObject({ name: 'ResourceConflict' });
    await expect(cancel('nobody')).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });

  test('keeps the host blocked where that was asked for', async () => {
    const { host, servers } = await bench.busyHost(1);
    for (const one of servers) await bench.steer(one, HANGS);
    const id = await bench.begin(host, { keep_blocked: true });
    await cancel(id);
    expect((await bench.story(id)).names).not.toContain('host unblock');
    expect(await bench.service(host)).toMatchObject({ status: 'disabled' });
  });
});
