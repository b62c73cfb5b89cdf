import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { evacuationPlan } from '../../../lib/commands/plan-host.ts';
import type { HostPlan } from '../../../lib/evacuation/plan.ts';
import { type EvacuationBench, evacuationBench } from './bench.ts';

let bench: EvacuationBench;

beforeAll(async () => {
  bench = await evacuationBench();
});

beforeEach(() => bench.renew());

afterAll(() => bench.close());

const plan = async (host: string, target?: string) =>
  (await evacuationPlan(bench.runtime, host, { target })) as HostPlan;

const kinds = ({ blocks }: HostPlan) => blocks.map(({ kind }) => kind);

describe('the plan of an evacuation', () => {
  test('says of each server what will be done with it, and where it fits', async () => {
    const { host, others, servers } = await bench.busyHost(3);
    const [off, asleep, bad] = servers;
    await bench.bring(off, 'SHUTOFF');
    await bench.bring(asleep, 'SUSPENDED');
    await bench.bring(bad, 'ERROR');
    await bench.act(off, { lock: {} });
    const planned = await plan(host);
    expect(planned.blocks).toEqual([]);
    expect(planned.targets.sort()).toEqual(others.sort());
    const of = (id: string | undefined) => planned.servers.find((one) => one.id === id);
    expect(of(off?.id)).toMatchObject({ steps: ['cold migration', 'confirmation'] });
    expect(of(off?.id)?.fits_on?.sort()).toEqual(others);
    expect(of(off?.id)?.notes?.[0]).toContain('locked');
    expect(of(asleep?.id)?.steps).toEqual(['resume', 'live migration', 'suspend']);
    expect(of(bad?.id)).toMatchObject({ steps: [], by_hand: expect.stringContaining('ERROR') });
    expect(await bench.runtime.operations.running()).toEqual([]);
  });

  test('a target leaves itself alone, whether host or aggregate', async () => {
    const { host, others } = await bench.busyHost(1);
    const [one] = others;
    expect((await plan(host, one)).targets).toEqual([one]);
    await expect(plan(host, 'nowhere')).rejects.toMatchObject({
      ...{ name: 'InvalidRequest', details: { field: 'target' } },
    });
    await expect(plan(host, host)).rejects.toMatchObject({ details: { field: 'target' } });
  });

  test('what is down, last, closed or running stands in it as what keeps it from beginning', async () => {
    const { host, others } = await bench.busyHost(1);
    await bench.setService(host, { forced_down: true });
    expect(kinds(await plan(host))).toEqual(['down']);
    await bench.setService(host, { forced_down: false });
    await bench.setService(others[0] ?? '', { status: 'disabled' });
    expect(kinds(await plan(host, others[0]))).toEqual(['target']);
    for (const other of others) await bench.setService(other, { status: 'disabled' });
    expect(kinds(await plan(host))).toEqual(['last']);
  });

  test('a server that fits nowhere stands in it by name', async () => {
    const { host, servers } = await bench.busyHost(1);
    await bench.fault(
      { method: 'GET', path: '/allocation_candidates' },
      { status: 200, body: { allocation_requests: [], provider_summaries: {} } },
    );
    const planned = await plan(host);
    expect(kinds(planned)).toEqual(['room']);
    expect(planned.blocks[0]?.reason).toContain(servers[0]?.name);
  });

  test('a host that the source does not have is not found', async () => {
    await expect(plan('nowhere')).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });
});
