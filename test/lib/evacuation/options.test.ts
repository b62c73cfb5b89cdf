import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hostOf } from '../../../lib/evacuation/evacuation.ts';
import { type EvacuationBench, evacuationBench, soon, TASKS } from './bench.ts';

let bench: EvacuationBench;
let onTheirWay = 0;
let most = 0;

/** Counts the servers that are on their way at once. */
const counted =
  <I, O>(task: (runtime: never, input: I) => Promise<O>) =>
  async (runtime: never, input: I) => {
    onTheirWay += 1;
    most = Math.max(most, onTheirWay);
    try {
      return await task(runtime, input);
    } finally {
      onTheirWay -= 1;
    }
  };

beforeAll(async () => {
  const liveMigrateServer = counted(TASKS.liveMigrateServer as never);
  bench = await evacuationBench(
    { tenants: 2, servers: 8, pace: 0.02 },
    {
      ...TASKS,
      liveMigrateServer,
    },
  );
});

beforeEach(async () => {
  await bench.renew();
  most = 0;
});

afterAll(() => bench.close());

const FAILS = { bed_fault: 'live-migration' };

describe('an evacuation with options', () => {
  test('parallel is how many servers are on their way at once', async () => {
    const { host, servers } = await bench.busyHost(3);
    for (const parallel of [1, 3]) {
      most = 0;
      const { end, id } = await bench.evacuate(host, { parallel });
      expect(end).toEqual({ id: host, status: '' });
      expect(most).toBe(Math.min(parallel, servers.length));
      expect((await bench.runtime.operations.get(id))?.input.parallel).toBe(parallel);
      await bench.setService(host, { status: 'enabled' });
      for (const one of servers) {
        await bench.act(one, { 'os-migrateLive': { host, block_migration: 'auto' } });
        await soon(async () => hostOf(await bench.server(one.id))).toBe(host);
        await bench.bring(one, 'ACTIVE');
      }
    }
  });

  test('target names the one host that they go to', async () => {
    const { host, others, servers } = await bench.busyHost(2);
    await bench.bring(servers[0], 'SHUTOFF');
    const target = others.at(-1) ?? '';
    const { end } = await bench.evacuate(host, { target });
    expect(end.status).toBe('');
    for (const one of servers) expect(hostOf(await bench.server(one.id))).toBe(target);
  });

  test('target names an aggregate, and they go to its other hosts alone', async () => {
    const { host, others, servers } = await bench.busyHost(2);
    const { aggregates } = await bench.source.get<{
      aggregates: { id: number; name: string; hosts: string[] }[];
    }>('compute', '/os-aggregates');
    const [rack] = aggregates;
    const theirs = others.slice(1);
    const act = (body: object) =>
      bench.source.post('compute', `/os-aggregates/${rack?.id}/action`, body);
    for (const one of rack?.hosts ?? []) await act({ remove_host: { host: one } });
    for (const one of [host, ...theirs]) await act({ add_host: { host: one } });
    const { end } = await bench.evacuate(host, { target: rack?.name });
    expect(end.status).toBe('');
    for (const one of servers) expect(theirs).toContain(hostOf(await bench.server(one.id)));
  });

  test('on_error continue moves all others', async () => {
    const { host, servers } = await bench.busyHost(3);
    const [bad, ...good] = servers;
    await bench.steer(bad, FAILS);
    const { end, of, names } = await bench.evacuate(host, { parallel: 1 });
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('failed') });
    expect(of(bad)).toContain('server live migration failed');
    for (const one of good) expect(of(one)).toContain('server live migrated');
    expect(names.slice(-2)).toEqual(['host unblock', 'host evacuated']);
  });

  test('on_error stop begins nothing more, and leaves what has moved', async () => {
    const { host, servers } = await bench.busyHost(3);
    for (const one of servers) await bench.steer(one, FAILS);
    const { end, names } = await bench.evacuate(host, { parallel: 1, on_error: 'stop' });
    expect(names.filter((name) => name === 'server live migration')).toHaveLength(1);
    expect(names.filter((name) => name === 'server not moved')).toHaveLength(servers.length - 1);
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('not begun') });
  });

  test('on_error undo opens the host again and brings back what it has moved', async () => {
    const { host, servers } = await bench.busyHost(3);
    const bad = servers.toSorted((a, b) => (a.id < b.id ? 1 : -1))[0];
    const good = servers.filter(({ id }) => id !== bad?.id);
    const [off, asleep] = good;
    await bench.bring(off, 'SHUTOFF');
    await bench.bring(asleep, 'SUSPENDED');
    await bench.steer(bad, FAILS);
    const { end, names, of } = await bench.evacuate(host, { on_error: 'undo' });
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('undone') });
    const back = (await bench.serversAt(host)).map(({ id }) => id).sort();
    expect(back).toEqual(servers.map(({ id }) => id).sort());
    expect((await bench.server(off?.id)).status).toBe('SHUTOFF');
    expect((await bench.server(asleep?.id)).status).toBe('SUSPENDED');
    expect(names).toContain('host unblock');
    expect(of(off).filter((name) => name === 'server cold migrated')).toHaveLength(2);
    expect(await bench.service(host)).toMatchObject({ status: 'enabled' });
  });

  test('keep_blocked leaves the host blocked although it could not be emptied', async () => {
    const { host, servers } = await bench.busyHost(1);
    await bench.bring(servers[0], 'ERROR');
    const { end, names } = await bench.evacuate(host, { keep_blocked: true });
    expect(end.status).toBe('error');
    expect(names).not.toContain('host unblock');
    expect(await bench.service(host)).toMatchObject({ status: 'disabled' });
    const world = await bench.runtime.world.get({ cloud: 'source', type: 'host', id: host });
    expect([world?.status, world?.observed]).toEqual([undefined, 'blocked']);
  });

  test('timeout aborts a migration that hangs, and the server runs on where it was', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [slow] = servers;
    await bench.steer(slow, { bed_seconds: '100000' });
    const { end, of } = await bench.evacuate(host, { timeout: 2 });
    expect(of(slow)).toEqual(['server live migration', 'server live migration failed']);
    expect(String(end.reason)).toContain('took more than 2 s');
    expect(await bench.server(slow?.id)).toMatchObject({
      ...{ status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': host, 'OS-EXT-STS:task_state': null },
    });
    expect((await bench.migrationsOf(slow)).map(({ status }) => status)).toEqual(['cancelled']);
  });

  test('a suspended server whose migration hangs is suspended again', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [slow] = servers;
    await bench.steer(slow, { bed_seconds: '100000' });
    await bench.bring(slow, 'SUSPENDED');
    const { of } = await bench.evacuate(host, { timeout: 2 });
    expect(of(slow)).toEqual([
      ...['server woken', 'server live migration'],
      ...['server suspended again', 'server live migration failed'],
    ]);
    expect((await bench.server(slow?.id)).status).toBe('SUSPENDED');
  });

  test('force_complete brings a migration that hangs to its end', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [slow] = servers;
    await bench.steer(slow, { bed_seconds: '100000' });
    const { end, events } = await bench.evacuate(host, { force_complete: 1 });
    expect(end).toEqual({ id: host, status: '' });
    const told = events.find(({ name }) => name === 'operation progress');
    expect(told?.data).toMatchObject({ id: slow?.id, status: 'running', type: 'server' });
    expect(told?.data.memory_total_bytes).toBe((slow?.flavor.ram ?? 0) * 1024 ** 2);
  });
});
