import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseSchedule } from '../../lib/domain/schedule-expression.ts';
import { startScheduler } from '../../lib/local/scheduler.ts';

const matches = (expression: string, time: string): boolean => {
  const schedule = parseSchedule(expression);
  return 'matches' in schedule && schedule.matches(new Date(time));
};

describe('a schedule expression', () => {
  it('with a rate is so many minutes, hours or days', () => {
    expect(parseSchedule('rate(1 minute)')).toEqual({ every: 60_000 });
    expect(parseSchedule('rate(2 hours)')).toEqual({ every: 7_200_000 });
    expect(parseSchedule('rate(3 days)')).toEqual({ every: 259_200_000 });
  });

  it.each([
    ['cron(15 10 * * ? *)', '2026-11-23T10:15:30Z', '2026-11-23T10:16:00Z'],
    ['cron(0/15 8-17 ? * MON-FRI *)', '2026-11-23T17:45:00Z', '2026-11-22T09:00:00Z'],
    ['cron(0 18 L * ? *)', '2026-11-30T18:00:00Z', '2026-11-29T18:00:00Z'],
    ['cron(0 9 ? * 2#1 *)', '2026-11-02T09:00:00Z', '2026-11-09T09:00:00Z'],
    ['cron(0 9 ? * 6L *)', '2026-11-27T09:00:00Z', '2026-11-20T09:00:00Z'],
    ['cron(0 9 1W * ? *)', '2026-11-02T09:00:00Z', '2026-11-03T09:00:00Z'],
    ['cron(0,30 * ? JAN,NOV * 2026)', '2026-11-23T05:30:00Z', '2027-01-01T05:30:00Z'],
  ])('%s matches the minutes that it names', (expression, yes, no) => {
    expect(matches(expression, yes)).toBe(true);
    expect(matches(expression, no)).toBe(false);
  });

  it.each([
    'rate(0 minutes)',
    'rate(1 week)',
    'cron(* * * * *)',
    'cron(0 9 * * * *)',
    'cron(60 9 * * ? *)',
    'cron(0 9 ? * XYZ *)',
    'every minute',
  ])('%s is refused', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(/^schedule /);
  });
});

describe('the scheduler', () => {
  beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-11-23T11:59:50Z') }));
  afterEach(() => void vi.useRealTimers());

  it('runs a function at the start and then at its rate, never beside itself', async () => {
    const ends: (() => void)[] = [];
    const scheduler = startScheduler({
      schedules: [{ functionKey: 'sync', expression: 'rate(1 minute)' }],
      invoke: () => new Promise<void>((resolve) => ends.push(resolve)),
      report: () => {},
    });
    expect(ends).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await scheduler.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(ends).toHaveLength(2);
  });

  it('runs a cron function once in its minute, with the event of EventBridge', async () => {
    const events: unknown[] = [];
    const scheduler = startScheduler({
      schedules: [{ functionKey: 'night', expression: 'cron(0 12 * * ? *)' }],
      invoke: async (_, event) => events.push(event),
      report: () => {},
    });
    await vi.advanceTimersByTimeAsync(3600_000);
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({
      source: 'aws.events',
      time: expect.stringMatching(/^2026-11-23T12:00/),
    });
    await scheduler.stop();
  });

  it('goes on after a run that failed, and tells of it', async () => {
    const failures: string[] = [];
    let runs = 0;
    const scheduler = startScheduler({
      schedules: [{ functionKey: 'sync', expression: 'rate(1 minute)', input: { a: 1 } }],
      invoke: async () => {
        runs += 1;
        throw new Error('no luck');
      },
      report: (key, error) => failures.push(`${key}: ${(error as Error).message}`),
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toBe(2);
    expect(failures).toEqual(['sync: no luck', 'sync: no luck']);
    await scheduler.stop();
  });
});
