/** The embedded run's EventBridge Scheduler, spoken to by the SDK itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConflictException,
  CreateScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  ResourceNotFoundException,
  SchedulerClient,
  ValidationException,
} from '@aws-sdk/client-scheduler';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Schedule, Timing } from '../../lib/domain/schedule.ts';
import { applyEnvironment } from '../../lib/local/environment.ts';
import {
  type EventBridgeScheduler,
  startEventBridgeScheduler,
} from '../../lib/local/event-bridge-scheduler.ts';
import { eventBridgeSchedules } from '../../lib/schedules.ts';

const START = Date.parse('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;
const target = { group: 'evacuations', function: 'arn:function', role: 'arn:role' };

let folder: string;
let now: number;
let calls: unknown[];
let failure: Error | undefined;
let reports: string[];
let scheduler: EventBridgeScheduler;
let restore: () => void;

const open = async () => {
  scheduler = await startEventBridgeScheduler({
    recordsFile: join(folder, 'schedules.sqlite'),
    groups: [target.group],
    now: () => now,
    report: (line) => reports.push(line),
    invoke: async (arn, event) => {
      calls.push([arn, event]);
      if (failure) throw failure;
    },
  });
  restore = applyEnvironment({ AWS_ENDPOINT_URL_SCHEDULER: scheduler.url });
};

const close = async () => {
  restore();
  await scheduler.stop();
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pumphouse-scheduler-'));
  [now, calls, failure, reports] = [START, [], undefined, []];
  await open();
});

afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

const schedule = (id: string, timing: Timing, windowSeconds = 3600): Schedule => ({
  ...{ id, host: 'h1', timing, windowSeconds, missed: 'run', input: {} },
  createdAt: new Date(START).toISOString(),
});

const inOneHour = { at: '2026-11-23T13:00:00.000Z' };
const nightly = {
  cron: '0 3 * * ? *',
  timeZone: 'Europe/Berlin',
  until: '2026-11-26T00:00:00.000Z',
};
const called = (id: string, due: string) => [target.function, { schedule: id, due }];

/** Lets time pass to an instant, and calls what is due then. */
const until = async (instant: string) => {
  now = Date.parse(instant);
  await scheduler.callDue();
};

const find = (Name: string, GroupName = target.group) =>
  new SchedulerClient({}).send(new GetScheduleCommand({ Name, GroupName }));

describe('a schedule', () => {
  test('is kept as it was made, and made once', async () => {
    const schedules = eventBridgeSchedules(target);
    await schedules.put(schedule('s1', nightly, 90));
    await schedules.put(schedule('s1', nightly, 90));
    expect(await find('s1')).toMatchObject({
      ...{ Name: 's1', GroupName: 'evacuations', State: 'ENABLED' },
      ...{ ScheduleExpression: 'cron(0 3 * * ? *)', EndDate: new Date(nightly.until) },
      ...{ ScheduleExpressionTimezone: 'Europe/Berlin', FlexibleTimeWindow: { Mode: 'OFF' } },
      ActionAfterCompletion: 'DELETE',
      Target: {
        Arn: target.function,
        RoleArn: target.role,
        RetryPolicy: { MaximumEventAgeInSeconds: 90 },
      },
    });
    const { Schedules } = await new SchedulerClient({}).send(
      new ListSchedulesCommand({ GroupName: target.group }),
    );
    expect(Schedules?.map(({ Name }) => Name)).toEqual(['s1']);
  });

  test('calls its function once when it is due, and is gone', async () => {
    await eventBridgeSchedules(target).put(schedule('s1', inOneHour));
    await until('2026-11-23T12:59:59Z');
    expect(calls).toEqual([]);
    await until('2026-11-23T13:00:00Z');
    await until('2026-11-23T13:00:01Z');
    expect(calls).toEqual([called('s1', '2026-11-23T13:00:00Z')]);
    await expect(find('s1')).rejects.toThrow(ResourceNotFoundException);
  });

  test('of a cron expression calls again and again, by its own clocks, until its end', async () => {
    await eventBridgeSchedules(target).put(schedule('s1', nightly));
    await until('2026-11-24T02:00:30Z');
    await until('2026-11-25T02:00:00Z');
    await until('2026-11-26T02:00:00Z');
    expect(calls).toEqual([
      called('s1', '2026-11-24T02:00:00Z'),
      called('s1', '2026-11-25T02:00:00Z'),
    ]);
    await expect(find('s1')).rejects.toThrow(ResourceNotFoundException);
  });

  test('that is removed before it is due calls nothing; to remove it again succeeds', async () => {
    const schedules = eventBridgeSchedules(target);
    await schedules.put(schedule('s1', inOneHour));
    await schedules.remove('s1');
    await schedules.remove('s1');
    await until('2026-11-23T14:00:00Z');
    expect(calls).toEqual([]);
  });

  test('that came due while nothing ran calls after the restart, unless that is too late', async () => {
    const schedules = eventBridgeSchedules(target);
    await schedules.put(schedule('brief', inOneHour, 60));
    await schedules.put(schedule('long', inOneHour, 7200));
    await schedules.put(schedule('later', { at: '2026-11-23T16:00:00.000Z' }));
    await close();
    now = START + 2 * HOUR;
    await open();
    await scheduler.callDue();
    expect(calls).toEqual([called('long', '2026-11-23T13:00:00Z')]);
    expect(reports).toEqual(['schedule brief was due too long ago to be called']);
    await until('2026-11-23T16:00:00Z');
    expect(calls.at(-1)).toEqual(called('later', '2026-11-23T16:00:00Z'));
  });

  test('whose function fails is told of, and called the next time all the same', async () => {
    failure = new Error('no luck');
    await eventBridgeSchedules(target).put(schedule('s1', nightly));
    await until('2026-11-24T02:00:00Z');
    expect(reports).toEqual(['schedule s1 failed: no luck']);
    await until('2026-11-25T02:00:00Z');
    expect(calls).toHaveLength(2);
  });

  test('calls by itself once the service has begun', async () => {
    now = Date.parse('2026-11-23T13:00:00Z') - 50;
    await eventBridgeSchedules(target).put(schedule('s1', inOneHour));
    now += 50;
    scheduler.begin();
    await expect.poll(() => calls).toEqual([called('s1', '2026-11-23T13:00:00Z')]);
  });
});

describe('what AWS refuses', () => {
  const create = (change: object) =>
    new SchedulerClient({}).send(
      new CreateScheduleCommand({
        ...{ Name: 's1', GroupName: target.group, ScheduleExpression: 'cron(0 3 * * ? *)' },
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Arn: 'arn:a', RoleArn: 'arn:r' },
        ...change,
      }),
    );

  test.each([
    ['an expression of five fields', { ScheduleExpression: 'cron(0 3 * * *)' }],
    ['another kind of expression', { ScheduleExpression: 'at(tomorrow)' }],
    ['a time zone that nobody knows', { ScheduleExpressionTimezone: 'Europe/Nowhere' }],
    ['a name that is none', { Name: 'a b' }],
    ['a target without a role', { Target: { Arn: 'arn:a', RoleArn: '' } }],
    [
      'an age of less than a minute',
      { Target: { Arn: 'arn:a', RoleArn: 'arn:r', RetryPolicy: { MaximumEventAgeInSeconds: 59 } } },
    ],
  ])('is %s', async (_what, change) => {
    await expect(create(change)).rejects.toThrow(ValidationException);
  });

  test('is a second schedule of one name, and a group that is not there', async () => {
    await create({});
    await expect(create({ Description: 'another' })).rejects.toThrow(ConflictException);
    await expect(create({ GroupName: 'others' })).rejects.toThrow(ResourceNotFoundException);
  });
});

test('a web page does not get in', async () => {
  const { port } = new URL(scheduler.url);
  for (const headers of [{ origin: 'http://page.example' }, { host: 'page.example' }]) {
    const status = await new Promise((resolve) => {
      request({ port, host: '127.0.0.1', path: '/schedules/s1', method: 'DELETE', headers })
        .on('response', ({ statusCode }) => resolve(statusCode))
        .end();
    });
    expect(status).toBe(403);
  }
});
