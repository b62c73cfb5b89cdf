import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { evacuateHost } from '../../../lib/commands/evacuate-host.ts';
import { evacuationInput } from '../../../lib/commands/evacuation-input.ts';
import type { Operation } from '../../../lib/domain/operation.ts';
import { hostOf } from '../../../lib/evacuation/evacuation.ts';
import { testClock } from '../../support/clock.ts';
import { type EvacuationBench, evacuationBench, soon, TASKS } from './bench.ts';

let bench: EvacuationBench;
/** What happens in the cloud before a round is listed, by its number. */
let between: ((round: number) => Promise<unknown>) | undefined;
/** And after it, before the first of its servers is looked at. */
let after: (() => Promise<unknown>) | undefined;
let rounds = 0;

beforeAll(async () => {
  const listServers: typeof TASKS.listServers = async (runtime, input) => {
    rounds += 1;
    await between?.(rounds);
    const round = await TASKS.listServers(runtime, input);
    await after?.();
    return round;
  };
  bench = await evacuationBench({ tenants: 2, servers: 8 }, { ...TASKS, listServers });
});

beforeEach(async () => {
  await bench.renew();
  between = undefined;
  after = undefined;
  rounds = 0;
});

afterAll(() => bench.close());

const holder = (id: string): Operation => ({
  ...{ id, kind: 'migration', state: 'running', input: {} },
  createdAt: new Date().toISOString(),
  subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' },
});

describe('an evacuation', () => {
  test('a migration that Nova gives up is tried once more, then read from its record and reported', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [server] = servers;
    await bench.steer(server, { bed_fault: 'live-migration' });
    const { end } = await bench.evacuate(host);
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('as failed') });
    expect((await bench.migrationsOf(server)).map(({ status }) => status)).toEqual([
      ...['failed', 'failed'],
    ]);
  });

  test('a target that dies costs one attempt; the next finds another host', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [server] = servers;
    await bench.steer(server, { bed_fault: 'live-migration' });
    let dead = '';
    between = async (round) => {
      if (round !== 2) return;
      dead = (await bench.migrationsOf(server))[0]?.dest_compute ?? '';
      await bench.setService(dead, { forced_down: true });
      await bench.source.delete('compute', `/servers/${server?.id}/metadata/bed_fault`);
    };
    const { end, of } = await bench.evacuate(host);
    expect(end).toEqual({ id: host, status: '' });
    expect(of(server)).toContain('server live migration failed');
    expect([host, dead]).not.toContain(hostOf(await bench.server(server?.id)));
  });

  test('what arrives while it runs is moved too', async () => {
    const { host, servers } = await bench.busyHost(1);
    let late = '';
    between = async (round) => {
      if (round !== 2) return;
      await bench.setService(host, { status: 'enabled' });
      late = (await bench.boot(servers[0] ?? ({} as never), 'late')).id;
      await bench.setService(host, { status: 'disabled', disabled_reason: 'again' });
    };
    const { end } = await bench.evacuate(host);
    expect(end.status).toBe('');
    expect(hostOf(await bench.server(late))).not.toBe(host);
  });

  test('a server that is brought back again and again does not keep it going for ever', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [server] = servers;
    between = async (round) => {
      if (round === 1) return;
      const { disabled_reason } = await bench.service(host);
      await bench.setService(host, { status: 'enabled' });
      await bench.act(server, { 'os-migrateLive': { host, block_migration: 'auto' } });
      await bench.bring(server, 'ACTIVE');
      await bench.setService(host, { status: 'disabled', disabled_reason });
    };
    const { end, of } = await bench.evacuate(host);
    expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining('still on') });
    expect(of(server).filter((name) => name === 'server live migrated')).toHaveLength(10);
  });

  test('a 409 in between is waited out', async () => {
    const { host, servers } = await bench.busyHost(1);
    const body = {
      conflictingRequest: {
        ...{ code: 409, message: "Cannot 'x' while it is in task_state image_snapshot" },
      },
    };
    const path = `/servers/${servers[0]?.id}/action$`;
    await bench.fault({ method: 'POST', path, times: 2 }, { status: 409, body });
    const { end } = await bench.evacuate(host);
    expect(end).toEqual({ id: host, status: '' });
    expect(await bench.migrationsOf(servers[0])).toHaveLength(1);
  });

  test.each(['ACTIVE', 'SHUTOFF', 'SUSPENDED'])(
    'lost answers do not move a server twice that is %s',
    async (status) => {
      const { host, servers } = await bench.busyHost(1);
      const [server] = servers;
      await bench.bring(server, status);
      const path = `/servers/${server?.id}/action$`;
      await bench.fault({ method: 'POST', path, times: 3 }, 'lose');
      const { end } = await bench.evacuate(host);
      expect(end).toEqual({ id: host, status: '' });
      expect(await bench.migrationsOf(server)).toHaveLength(1);
      expect((await bench.server(server?.id)).status).toBe(status);
    },
  );

  test('a server that another operation holds is waited for', async () => {
    const { host, servers } = await bench.busyHost(1);
    const [server] = servers;
    const other = await bench.runtime.operations.begin(holder(`other ${host}`));
    await bench.runtime.operations.lock(other.id, `server#source#${server?.id}`);
    const id = await bench.begin(host);
    await soon(async () =>
      (await bench.runtime.plans.list(id)).find((one) => one.id === server?.id),
    ).toMatchObject({ intents: { examine: expect.anything() } });
    expect(await bench.migrationsOf(server)).toHaveLength(0);
    await bench.runtime.operations.end(other, '');
    expect((await bench.story(id)).end).toEqual({ id: host, status: '' });
  });

  test('a server that is held or busy for too long is left where it is, and named', async () => {
    const { host, servers } = await bench.busyHost(2);
    const [held, busy] = servers;
    const runtime = { ...bench.runtime, clock: testClock('2100-01-01T00:00:00.000Z') };
    const other = await runtime.operations.begin(holder(`holder of ${host}`));
    await runtime.operations.lock(other.id, `server#source#${held?.id}`);
    const workflows = { ...runtime.workflows, start: async () => {} };
    const { input } = evacuationInput();
    const { id } = await evacuateHost({ ...runtime, workflows }, { hostId: host, input });
    await TASKS.blockHost(runtime, { operation: id });
    const { journey } = await TASKS.listServers(runtime, { operation: id });
    await bench.fault(
      { method: 'GET', path: `/servers/${busy?.id}$` },
      { status: 200, body: { server: { ...busy, 'OS-EXT-STS:task_state': 'image_snapshot' } } },
    );
    for (const [one, said] of [
      [held, 'another operation, which holds it'],
      [busy, 'to be idle'],
    ] as const) {
      const way = { operation: id, journey, server: one?.id ?? '' };
      const failure = await TASKS.examineServer(runtime, way).catch((error: Error) => error);
      expect(failure).toMatchObject({
        name: 'DeadlineExceeded',
        message: expect.stringContaining(said),
      });
    }
    await runtime.operations.end(other, '');
    await bench.reset();
    await TASKS.finishEvacuation(bench.runtime, { operation: id });
  });

  test('a server that is deleted meanwhile is nothing to tell of', async () => {
    const { host, servers } = await bench.busyHost(2);
    const [gone] = servers;
    after = () => bench.source.delete('compute', `/servers/${gone?.id}`);
    const { of, end } = await bench.evacuate(host);
    expect(end).toEqual({ id: host, status: '' });
    expect(of(gone)).toEqual([]);
  });

  test('when it cannot go on, the host becomes again what it was and the last event says why', async () => {
    const { host } = await bench.busyHost(1);
    const body = { badRequest: { code: 400, message: 'no such filter' } };
    between = (round) =>
      round === 1
        ? bench.fault({ method: 'GET', path: '/servers/detail' }, { status: 400, body })
        : Promise.resolve();
    const { names, end } = await bench.evacuate(host);
    expect(names).toEqual(['host evacuate', 'host block', 'host unblock', 'host evacuated']);
    expect(end).toMatchObject({
      ...{ status: 'error', reason: expect.stringContaining('no such filter') },
    });
    expect(await bench.service(host)).toMatchObject({ status: 'enabled' });
  });
});
