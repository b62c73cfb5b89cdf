import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hostOf } from '../../../lib/evacuation/evacuation.ts';
import { type EvacuationBench, evacuationBench, soon } from './bench.ts';

let bench: EvacuationBench;

beforeAll(async () => {
  bench = await evacuationBench();
});

beforeEach(() => bench.renew());

afterAll(() => bench.close());

const worldHost = async (id: string) => {
  const item = await bench.runtime.world.get({ cloud: 'source', type: 'host', id });
  return [item?.status, item?.observed];
};

describe('an evacuation', () => {
  test('moves each server by its state, and leaves each as it was', async () => {
    const { host, servers } = await bench.busyHost(3);
    const [off, asleep, paused] = servers;
    await bench.bring(off, 'SHUTOFF');
    await bench.bring(asleep, 'SUSPENDED');
    await bench.bring(paused, 'PAUSED');
    const before = await bench.serversAt(host);
    const { names, of, end, events } = await bench.evacuate(host);
    expect(end).toEqual({ id: host, status: '' });
    expect(names.slice(0, 2)).toEqual(['host evacuate', 'host block']);
    expect(await bench.serversAt(host)).toEqual([]);
    for (const { id, status, name } of before) {
      const now = await bench.server(id);
      expect(now.status, name).toBe(status);
      const arrival = events.findLast(({ data }) => data.id === id);
      expect(arrival?.data.host_name, name).toBe(hostOf(now));
      const item = { cloud: 'source', type: 'server', id } as const;
      expect((await bench.runtime.world.get(item))?.view.host_name).toBe(hostOf(now));
    }
    expect(of(off)).toEqual(['server cold migration', 'server cold migrated']);
    expect(of(asleep)).toEqual([
      ...['server woken', 'server live migration'],
      ...['server suspended again', 'server live migrated'],
    ]);
    expect(of(paused)).toEqual(['server live migration', 'server live migrated']);
    expect((await bench.migrationsOf(off)).map(({ status }) => status)).toEqual(['confirmed']);
  });

  test('leaves the host blocked; one without servers is only blocked', async () => {
    const { host } = await bench.busyHost(1);
    await bench.evacuate(host);
    expect(await bench.service(host)).toMatchObject({ status: 'disabled' });
    expect(await worldHost(host)).toEqual([undefined, 'blocked']);
    const { names } = await bench.evacuate(host);
    expect(names).toEqual(['host evacuate', 'host block', 'host evacuated']);
  });

  test.each(['ERROR', 'VERIFY_RESIZE'])(
    'a server in %s is left with what is to be done by hand, and stops no other',
    async (status) => {
      const { host, others, servers } = await bench.busyHost(2);
      const [bad, ...good] = servers;
      if (status === 'VERIFY_RESIZE') {
        await bench.evacuate(host, { target: others[0] });
        await bench.setService(host, { status: 'enabled' });
        await bench.act(bad, { migrate: { host } });
        await soon(async () => (await bench.server(bad?.id)).status).toBe(status);
      } else await bench.bring(bad, status);
      const { of, end, names } = await bench.evacuate(host);
      expect(of(bad)).toEqual(['server not moved']);
      expect(end).toMatchObject({ status: 'error', reason: expect.stringContaining(status) });
      expect(String(end.reason)).toContain(bad?.name);
      expect((await bench.serversAt(host)).map(({ id }) => id)).toEqual([bad?.id]);
      expect(good.every((one) => of(one).includes('server not moved'))).toBe(false);
      expect(names.slice(-2)).toEqual(['host unblock', 'host evacuated']);
      expect(await worldHost(host)).toEqual([undefined, 'available']);
    },
  );

  test('a locked server is moved, and stays locked', async () => {
    const { host, servers } = await bench.busyHost(2);
    const [locked, off] = servers;
    await bench.bring(off, 'SHUTOFF');
    for (const one of [locked, off]) await bench.act(one, { lock: { locked_reason: 'mine' } });
    const { end } = await bench.evacuate(host);
    expect(end).toEqual({ id: host, status: '' });
    for (const one of [locked, off]) expect((await bench.server(one?.id)).locked).toBe(true);
    expect((await bench.server(off?.id)).status).toBe('SHUTOFF');
  });

  test('a host that somebody else had blocked keeps their reason, also after a failure', async () => {
    const { host, servers } = await bench.busyHost(1);
    const theirs = { status: 'disabled', disabled_reason: 'bad memory' };
    await bench.setService(host, theirs);
    await bench.bring(servers[0], 'ERROR');
    const { names, end } = await bench.evacuate(host);
    expect(end.status).toBe('error');
    expect(names).not.toContain('host unblock');
    expect(await bench.service(host)).toMatchObject(theirs);
  });
});
