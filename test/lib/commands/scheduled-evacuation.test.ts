/** Schedules over simulated clouds and EventBridge's protocol, on a clock that the test moves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listMigrations } from '../../../lib/commands/list-migrations.ts';
import { scheduleEvacuation } from '../../../lib/commands/schedule-evacuation.ts';
import { deleteSchedule, getSchedule, listSchedules } from '../../../lib/commands/schedules.ts';
import {
  type Due,
  startScheduledEvacuation,
} from '../../../lib/commands/start-scheduled-evacuation.ts';
import type { Operation } from '../../../lib/domain/operation.ts';
import { readWorld } from '../../../lib/http/read-world.ts';
import { worldAnswer } from '../../../lib/http/resources.ts';
import { applyEnvironment } from '../../../lib/local/environment.ts';
import {
  type EventBridgeScheduler,
  startEventBridgeScheduler,
} from '../../../lib/local/event-bridge-scheduler.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { eventBridgeSchedules } from '../../../lib/schedules.ts';
import { sweepOperations } from '../../../lib/sweep.ts';
import { sweepSchedules } from '../../../lib/sweep-schedules.ts';
import { type TestClock, testClock } from '../../support/clock.ts';
import { Death, mortal } from '../../support/mortal.ts';
import { type EvacuationBench, evacuationBench } from '../evacuation/bench.ts';

const TARGET = { group: 'evacuations', function: 'arn:function', role: 'arn:role' };
const NOW = '2030-06-01T00:00:00.000Z';
/** An hour after NOW. */
const DUE = '2030-06-01T01:00:00.000Z';

let bench: EvacuationBench;
let runtime: Runtime;
let clock: TestClock;
let scheduler: EventBridgeScheduler;
let folder: string;
let restore: () => void;
let fired: Due[];

const startScheduler = async () => {
  scheduler = await startEventBridgeScheduler({
    recordsFile: join(folder, 'schedules.sqlite'),
    groups: [TARGET.group],
    now: () => clock.now().getTime(),
    invoke: (_arn, event) => {
      fired.push(event as Due);
      return startScheduledEvacuation(runtime, event as Due);
    },
  });
  restore = applyEnvironment({ AWS_ENDPOINT_URL_SCHEDULER: scheduler.url });
  runtime = { ...runtime, schedules: eventBridgeSchedules(TARGET) };
};

const stopScheduler = async () => {
  restore();
  await scheduler.stop();
};

beforeAll(async () => {
  bench = await evacuationBench({ tenants: 2, servers: 6 });
});

beforeEach(async () => {
  await bench.renew();
  clock = testClock(NOW);
  runtime = { ...bench.runtime, clock };
  folder = mkdtempSync(join(tmpdir(), 'pumphouse-schedules-'));
  fired = [];
  await startScheduler();
});

afterEach(async () => {
  await stopScheduler();
  for (const { id } of await runtime.timetable.list()) await runtime.timetable.remove(id);
  rmSync(folder, { recursive: true });
});

afterAll(() => bench.close());

const plan = async (host: string, schedule: object = { at: DUE }, options: object = {}) =>
  (await scheduleEvacuation(runtime, { hostId: host, body: { schedule, ...options } })).id;

const until = async (instant: string) => {
  clock.advance((Date.parse(instant) - clock.now().getTime()) / 1000);
  await scheduler.callDue();
};

interface Answer {
  next?: string;
  trying?: { due: string; reason: string };
  last?: { due: string; operation: string; state: string; status: string; reason: string };
}
const schedule = async (id: string) => (await getSchedule(runtime, id)) as Answer;
const lastOf = async (id: string) => {
  const { last } = await schedule(id);
  if (!last) throw new Error('Nothing has become of it yet');
  return last;
};

const scheduleOf = ({ input }: Operation) =>
  (input as { schedule?: { id: string; due: string } }).schedule;

/** The operations that a schedule's due times have become, the earliest first. */
const operationsOf = async (id: string): Promise<Operation[]> => {
  const all = await Array.fromAsync(runtime.operations.list());
  const due = (one: Operation) => scheduleOf(one)?.due ?? '';
  return all.filter((one) => scheduleOf(one)?.id === id).sort((a, b) => (due(a) < due(b) ? -1 : 1));
};

const hostInWorld = async (name: string) => {
  const { source } = worldAnswer(await readWorld(runtime));
  return (source.hosts as { name: string; schedules?: string[]; status?: string }[]).find(
    (one) => one.name === name,
  );
};

/** What holds the host, until it is let go. */
const occupy = async (host: string) => {
  const operation: Operation = {
    ...{ id: `busy-${host}-${Math.trunc(performance.now())}`, kind: 'evacuation', input: {} },
    subject: { type: 'host', cloud: 'source', id: host, name: host },
    ...{ state: 'running', createdAt: NOW },
  };
  await runtime.operations.begin(operation);
  return { id: operation.id, free: () => runtime.operations.end(operation, '') };
};

describe('a schedule', () => {
  test('is answered, listed, and shown beside its host, until it is taken back', async () => {
    const { host } = await bench.busyHost(1);
    const body = {
      ...{ parallel: 2, on_error: 'stop' },
      schedule: { cron: '0 1 * * ? *', time_zone: 'UTC', window: 'PT2H', missed: 'report' },
    };
    const { id, answer } = await scheduleEvacuation(runtime, { hostId: host, body });
    expect(answer).toMatchObject({
      ...{ id, host: { id: host, name: host }, created_at: NOW, next: DUE },
      schedule: { cron: '0 1 * * ? *', time_zone: 'UTC', window: 7200, missed: 'report' },
      options: { parallel: 2, on_error: 'stop', keep_blocked: false },
    });
    const later = await plan(host, { at: '2030-06-02T00:00:00Z' });
    expect(await listSchedules(runtime)).toMatchObject({ schedules: [{ id }, { id: later }] });
    expect(await getSchedule(runtime, id)).toEqual(answer);
    expect((await hostInWorld(host))?.schedules).toEqual([id, later]);
    for (const one of [id, later]) await deleteSchedule(runtime, one);
    expect(await hostInWorld(host)).not.toHaveProperty('schedules');
    for (const use of [getSchedule, deleteSchedule]) {
      await expect(use(runtime, id)).rejects.toMatchObject({ name: 'ResourceNotFound' });
    }
  });

  const cron = { cron: '0 1 * * ? *', time_zone: 'UTC' };

  test.each([
    { what: 'a time that has passed', schedule: { at: NOW }, field: 'schedule.at' },
    {
      ...{ what: 'an end before its beginning', field: 'schedule.until' },
      schedule: { ...cron, until: DUE },
    },
    {
      ...{ what: 'a day that no year has', field: 'schedule.cron' },
      schedule: { ...cron, cron: '0 1 30 2 ? *' },
    },
    { what: 'an option that is none', options: { window: 60 }, field: 'window' },
    { what: 'a wrong option', options: { parallel: 0 }, field: 'parallel' },
    { what: 'a dry run', options: { dry_run: true }, field: 'dry_run' },
  ])('is not made of $what, and $field is named', async ({ schedule, options, field }) => {
    const body = { schedule: schedule ?? { at: DUE }, ...options };
    const unprocessable = schedule !== undefined;
    const { host } = await bench.busyHost(1);
    await expect(scheduleEvacuation(runtime, { hostId: host, body })).rejects.toMatchObject({
      name: 'InvalidRequest',
      details: { field, ...(unprocessable && { unprocessable }) },
    });
    expect(await runtime.timetable.list()).toEqual([]);
  });

  test('is not made for a host that the source does not have', async () => {
    await expect(plan('nowhere')).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });

  test('is one however often the same Idempotency-Key asks for it, and no other', async () => {
    const { host } = await bench.busyHost(1);
    const request = { hostId: host, body: { schedule: { at: DUE } }, idempotencyKey: 'k' };
    const first = await scheduleEvacuation(runtime, request);
    expect(await scheduleEvacuation(runtime, request)).toEqual(first);
    const other = { ...request, body: { schedule: { at: DUE, window: 60 } } };
    await expect(scheduleEvacuation(runtime, other)).rejects.toMatchObject({
      name: 'InvalidRequest',
      details: { unprocessable: true, schedule: first.id },
    });
    expect(await runtime.timetable.list()).toHaveLength(1);
  });

  test('that EventBridge does not take at once is handed over by the sweeper', async () => {
    const { host } = await bench.busyHost(1);
    await stopScheduler();
    restore = applyEnvironment({
      AWS_ENDPOINT_URL_SCHEDULER: scheduler.url,
      AWS_MAX_ATTEMPTS: '1',
    });
    runtime = { ...runtime, schedules: eventBridgeSchedules(TARGET) };
    const id = await plan(host);
    restore();
    await startScheduler();
    await sweepSchedules(runtime);
    await until(DUE);
    expect(fired).toEqual([{ schedule: id, due: '2030-06-01T01:00:00Z' }]);
    await bench.story((await lastOf(id)).operation);
  });
});

describe('a schedule that is due', () => {
  test('empties its host as it was asked to, and says so', async () => {
    const { host, servers } = await bench.busyHost(1);
    const id = await plan(host, { at: DUE }, { parallel: 3 });
    await until(DUE);
    const { operation } = await lastOf(id);
    const { events, end } = await bench.story(operation);
    expect(events[0]).toMatchObject({
      name: 'host evacuate',
      data: { id: host, schedule: id, due: DUE },
    });
    expect(end).toMatchObject({ id: host, status: '' });
    expect(await bench.serversAt(host)).toEqual([]);
    expect(servers.length).toBeGreaterThan(0);
    expect(await schedule(id)).toMatchObject({ last: { due: DUE, state: 'ended', status: '' } });
    expect(await schedule(id)).not.toHaveProperty('next');
    const { migrations } = await listMigrations(runtime, { kind: 'evacuation' });
    expect(migrations.find((one) => (one as { id: string }).id === operation)).toMatchObject({
      ...{ host: { id: host }, parallel: 3, schedule: { id, due: DUE } },
    });
  });

  test('is one operation, however often and at once it is called', async () => {
    const { host } = await bench.busyHost(1);
    const id = await plan(host);
    clock.advance(3600);
    const due = { schedule: id, due: '2030-06-01T01:00:00Z' };
    const once = () => startScheduledEvacuation(runtime, due);
    expect(await Promise.all([once(), once(), once()])).toEqual(['started', 'started', 'started']);
    await bench.story((await lastOf(id)).operation);
    expect(await once()).toBe('started');
    expect(await operationsOf(id)).toHaveLength(1);
  });

  test('is one operation, wherever the one that begins it dies', async () => {
    let deaths = 0;
    for (let writes = 0; ; writes += 1) {
      await bench.renew();
      clock = testClock(NOW);
      runtime = { ...runtime, clock };
      const { host } = await bench.busyHost(1);
      const id = await plan(host);
      clock.advance(3600);
      const due = { schedule: id, due: DUE };
      const died = await startScheduledEvacuation(mortal(runtime, writes), due).then(
        (served) => served === 'postponed',
        (error) => error instanceof Death,
      );
      if (died) deaths += 1;
      clock.advance(60);
      await sweepOperations(runtime);
      expect(await startScheduledEvacuation(runtime, due)).toBe('started');
      const { operation } = await lastOf(id);
      expect((await bench.story(operation)).end).toMatchObject({ id: host, status: '' });
      expect((await operationsOf(id)).map((one) => one.id)).toEqual([operation]);
      expect(await schedule(id)).not.toHaveProperty('next');
      if (!died) break;
    }
    expect(deaths).toBeGreaterThan(3);
  });

  test('comes again by its cron expression, each time as another operation', async () => {
    const { host } = await bench.busyHost(1);
    const id = await plan(host, {
      ...{ cron: '0 1 * * ? *', time_zone: 'UTC' },
      until: '2030-06-03T00:00:00Z',
    });
    await until(DUE);
    const first = (await lastOf(id)).operation;
    await bench.story(first);
    expect((await schedule(id)).next).toBe('2030-06-02T01:00:00.000Z');
    await until('2030-06-02T01:00:30Z');
    const second = (await lastOf(id)).operation;
    await bench.story(second);
    expect((await operationsOf(id)).map((one) => one.id)).toEqual([first, second]);
    expect(await schedule(id)).not.toHaveProperty('next');
  });

  test('begins nothing once it was taken back, even when it is called late', async () => {
    const { host } = await bench.busyHost(1);
    const id = await plan(host);
    await deleteSchedule(runtime, id);
    await until('2030-06-01T02:00:00Z');
    expect(fired).toEqual([]);
    expect(await startScheduledEvacuation(runtime, { schedule: id, due: DUE })).toBe('unknown');
    expect(await operationsOf(id)).toEqual([]);
  });
});

/** A stream of one event, which names the host and the reason, and touches nothing. */
const toldWhy = async (id: string, host: string, reason: RegExp) => {
  const { operation } = await lastOf(id);
  const { events } = await bench.story(operation);
  expect(events).toMatchObject([
    {
      ...{ name: 'host evacuated', last: true },
      data: {
        ...{ id: host, schedule: id, due: DUE, started: false, status: 'error' },
        reason: expect.stringMatching(reason),
      },
    },
  ]);
  expect(await lastOf(id)).toMatchObject({ state: 'ended', status: 'error' });
  const { migrations } = await listMigrations(runtime, {});
  expect(migrations).toContainEqual(
    expect.objectContaining({ id: operation, host: { id: host, name: host }, status: 'error' }),
  );
  const feed = await Array.fromAsync(runtime.events.since(events[0] ? '2026-01-01' : ''));
  expect(feed.some((event) => event.operation === operation)).toBe(true);
  return operation;
};

describe('a schedule that is due and cannot begin', () => {
  test('because its host is gone, says so in a stream of its own', async () => {
    await runtime.timetable.add({
      ...{ id: 'orphan', host: 'gone', timing: { at: DUE }, windowSeconds: 3600, missed: 'run' },
      ...{ input: { onError: 'continue' }, createdAt: NOW, next: DUE },
    });
    clock.advance(3600);
    expect(await startScheduledEvacuation(runtime, { schedule: 'orphan', due: DUE })).toBe(
      'reported',
    );
    await toldWhy('orphan', 'gone', /no host gone/);
  });

  test('because its host is busy, says so, and leaves the host to who has it', async () => {
    const { host } = await bench.busyHost(1);
    const busy = await occupy(host);
    const before = await hostInWorld(host);
    const id = await plan(host);
    await until(DUE);
    const operation = await toldWhy(id, host, /held by a running evacuation/);
    const { schedules: _schedules, ...after } = (await hostInWorld(host)) ?? {};
    expect(after).toEqual(before);
    expect((await runtime.operations.running()).map((one) => one.id)).toEqual([busy.id]);
    await busy.free();
    await until('2030-06-01T01:01:00Z');
    expect(await startScheduledEvacuation(runtime, { schedule: id, due: DUE })).toBe('reported');
    expect((await operationsOf(id)).map((one) => one.id)).toEqual([operation]);
  });

  test('because its window is over, says so', async () => {
    const { host, servers } = await bench.busyHost(1);
    const id = await plan(host, { at: DUE, window: 60 });
    clock.advance(3661);
    await startScheduledEvacuation(runtime, { schedule: id, due: DUE });
    await toldWhy(id, host, /window ended at 2030-06-01T01:01:00/);
    expect(await bench.serversAt(host)).toHaveLength(servers.length);
  });

  test('because the cloud does not answer, is tried every minute while the window lasts', async () => {
    const { host } = await bench.busyHost(1);
    const id = await plan(host, { at: DUE, window: 600 });
    await bench.fault({ service: 'compute' }, { status: 503 });
    await until(DUE);
    expect(await schedule(id)).toMatchObject({ next: DUE, trying: { due: DUE } });
    clock.advance(60);
    expect((await sweepSchedules(runtime)).get(id)).toEqual(['postponed']);
    await bench.reset();
    clock.advance(60);
    expect((await sweepSchedules(runtime)).get(id)).toEqual(['started']);
    expect((await bench.story((await lastOf(id)).operation)).end).toMatchObject({ status: '' });
    expect(await schedule(id)).not.toHaveProperty('trying');
  });

  test('and could not until its window ended, says why', async () => {
    const { host } = await bench.busyHost(1);
    const id = await plan(host, { at: DUE, window: 600 });
    await bench.fault({ service: 'compute' }, { status: 503 });
    await until(DUE);
    clock.advance(601);
    expect((await sweepSchedules(runtime)).get(id)).toEqual(['reported']);
    await bench.reset();
    await toldWhy(id, host, /window ended at .*The last attempt failed: .*503/);
  });

  test('and dies while it says so, has said it once after the next call', async () => {
    const { host } = await bench.busyHost(1);
    const busy = await occupy(host);
    clock.advance(3600);
    let deaths = 0;
    for (let writes = 0; ; writes += 1) {
      await runtime.timetable.add({
        ...{ id: `s${writes}`, host, timing: { at: DUE }, windowSeconds: 600, missed: 'run' },
        ...{ input: { onError: 'continue' }, createdAt: NOW, next: DUE },
      });
      const due = { schedule: `s${writes}`, due: DUE };
      const died = await startScheduledEvacuation(mortal(runtime, writes), due).then(
        (served) => served === 'postponed',
        (error) => error instanceof Death,
      );
      if (died) deaths += 1;
      expect(await startScheduledEvacuation(runtime, due)).toBe('reported');
      await toldWhy(`s${writes}`, host, /held by/);
      if (!died) break;
    }
    expect(deaths).toBeGreaterThan(2);
    await busy.free();
  });

  test('and dies while it says so, is told by the sweeper of operations', async () => {
    const { host } = await bench.busyHost(1);
    const busy = await occupy(host);
    const id = await plan(host);
    clock.advance(3600);
    const due = { schedule: id, due: DUE };
    await startScheduledEvacuation(mortal(runtime, 1), due).catch(() => {});
    const unbegun = (await runtime.operations.running()).find(({ subject }) => subject.id === id);
    clock.advance(60);
    const swept = await sweepOperations({ ...runtime, operations: without(busy.id) });
    expect(swept.get(unbegun?.id ?? '')).toBe('closed');
    expect(await startScheduledEvacuation(runtime, due)).toBe('reported');
    await toldWhy(id, host, /held by/);
    await busy.free();
  });
});

/** The operations without one that only stands there. */
const without = (id: string): Runtime['operations'] => ({
  ...runtime.operations,
  running: async () => (await runtime.operations.running()).filter((one) => one.id !== id),
});

describe('a due time that passed while the service was down', () => {
  const down = async (host: string, timing: object, seconds: number) => {
    const id = await plan(host, timing);
    clock.advance(seconds);
    return id;
  };

  test('is run by the sweeper within its window', async () => {
    const { host } = await bench.busyHost(1);
    const id = await down(host, { at: DUE }, 3600 + 1800);
    expect((await sweepSchedules(runtime)).get(id)).toEqual(['started']);
    expect((await bench.story((await lastOf(id)).operation)).end).toMatchObject({ status: '' });
    expect((await sweepSchedules(runtime)).get(id)).toEqual([]);
  });

  test('is reported after its window, and within it where that is asked for', async () => {
    const { host, servers } = await bench.busyHost(1);
    const shy = await plan(host, { at: DUE, missed: 'report' });
    const late = await down(host, { at: DUE, window: 600 }, 3600 + 1800);
    const swept = await sweepSchedules(runtime);
    expect([swept.get(shy), swept.get(late)]).toEqual([['reported'], ['reported']]);
    await toldWhy(shy, host, /while the service was down, and is only reported/);
    await toldWhy(late, host, /its window ended at 2030-06-01T01:10:00/);
    expect(await bench.serversAt(host)).toHaveLength(servers.length);
  });

  test('is left to EventBridge while it is on time', async () => {
    const { host } = await bench.busyHost(1);
    const id = await down(host, { at: DUE, missed: 'report' }, 3600 + 60);
    expect((await sweepSchedules(runtime)).get(id)).toEqual([]);
    await scheduler.callDue();
    expect((await bench.story((await lastOf(id)).operation)).end).toMatchObject({ status: '' });
  });

  test('is run once for all of them: the earlier ones are reported', async () => {
    const { host } = await bench.busyHost(1);
    const timing = { cron: '0 * * * ? *', time_zone: 'UTC', window: 7200 };
    const id = await down(host, timing, 3 * 3600 + 1800);
    expect((await sweepSchedules(runtime)).get(id)).toEqual(['reported', 'reported', 'started']);
    const operations = await operationsOf(id);
    expect(operations.map(({ subject }) => subject.type)).toEqual(['schedule', 'schedule', 'host']);
    expect((await schedule(id)).next).toBe('2030-06-01T04:00:00.000Z');
    await bench.story((await lastOf(id)).operation);
  });
});

describe('the window of a schedule', () => {
  test('ends while the host is emptied: no server is begun with any more', async () => {
    const { host, servers } = await bench.busyHost(1);
    const past = { id: 's', due: '2026-01-01T00:00:00.000Z', until: '2026-01-01T01:00:00.000Z' };
    await runtime.timetable.add({
      ...{ id: 's', host, timing: { at: past.due }, windowSeconds: 3600, missed: 'run' },
      ...{ input: { parallel: 2, timeout: 600, onError: 'continue', keepBlocked: false } },
      ...{ createdAt: past.due, next: past.due },
    });
    // Begun on time, by a clock that stands; the tasks look at another, on which the window is over.
    const begun = { ...runtime, clock: testClock(past.due) };
    expect(await startScheduledEvacuation(begun, { schedule: 's', due: past.due })).toBe('started');
    const { end, names } = await bench.story((await lastOf('s')).operation);
    expect(end).toMatchObject({
      status: 'error',
      reason: expect.stringContaining(`the window of the schedule ended at ${past.until}`),
    });
    expect(names).not.toContain('server live migration');
    expect(await bench.serversAt(host)).toHaveLength(servers.length);
  });
});
