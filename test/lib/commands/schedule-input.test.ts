import { describe, expect, test } from 'vitest';
import { scheduleInput } from '../../../lib/commands/schedule-input.ts';

const refused = (schedule: unknown) => {
  try {
    return scheduleInput(schedule);
  } catch (error) {
    const { name, details } = error as { name: string; details: { field: string } };
    return [name, details.field];
  }
};

describe('schedule in a body', () => {
  test('is a time, in UTC to the second, with an hour to begin in', () => {
    expect(scheduleInput({ at: '2030-01-31T03:00:00.900+01:00' })).toEqual({
      timing: { at: '2030-01-31T02:00:00.000Z' },
      ...{ windowSeconds: 3600, missed: 'run' },
    });
  });

  test('is a cron expression in a time zone, with an end', () => {
    const schedule = {
      ...{ cron: ' 0  3 ? * SUN * ', time_zone: 'europe/berlin', until: '2031-01-01T00:00Z' },
      ...{ window: 'PT4H', missed: 'report' },
    };
    expect(scheduleInput(schedule)).toEqual({
      timing: {
        ...{ cron: '0 3 ? * SUN *', timeZone: 'Europe/Berlin' },
        until: '2031-01-01T00:00:00.000Z',
      },
      ...{ windowSeconds: 14_400, missed: 'report' },
    });
  });

  test.each([
    [60, 60],
    ['P1D', 86_400],
    ['P1DT2H3M4S', 93_784],
    ['P1W', 604_800],
    ['PT90M', 5400],
  ])('has the window %s, which is %i seconds', (window, seconds) => {
    expect(scheduleInput({ at: '2030-01-31T03:00:00Z', window }).windowSeconds).toBe(seconds);
  });

  const at = '2030-01-31T03:00:00Z';
  const cron = { cron: '0 3 * * ? *', time_zone: 'UTC' };

  test.each([
    ['schedule', null],
    ['schedule', 'tomorrow'],
    ['schedule', []],
    ['schedule', {}],
    ['schedule', { window: 60 }],
    ['schedule.when', { at, when: 1 }],
    ['schedule.toString', { at, toString: 1 }],
    ['schedule.at', { at: '2030-01-31' }],
    ['schedule.at', { at: '2030-01-31T03:00:00' }],
    ['schedule.at', { at: '2030-02-30T03:00:00Z' }],
    ['schedule.at', { at: '2030-13-01T03:00:00Z' }],
    ['schedule.at', { at: '2030-01-31T25:00:00Z' }],
    ['schedule.at', { at: 1_900_000_000 }],
    ['schedule.at', { at, ...cron }],
    ['schedule.time_zone', { at, time_zone: 'UTC' }],
    ['schedule.until', { at, until: at }],
    ['schedule.cron', { ...cron, cron: '0 3 * * *' }],
    ['schedule.cron', { ...cron, cron: '0 3 * * * *' }],
    ['schedule.cron', { ...cron, cron: '61 3 * * ? *' }],
    ['schedule.cron', { ...cron, cron: '0 22-2 * * ? *' }],
    ['schedule.cron', { ...cron, cron: 5 }],
    ['schedule.time_zone', { cron: cron.cron }],
    ['schedule.time_zone', { ...cron, time_zone: 'Europe/Nowhere' }],
    ['schedule.time_zone', { ...cron, time_zone: '+02:00' }],
    ['schedule.until', { ...cron, until: 'never' }],
    ['schedule.window', { at, window: 59 }],
    ['schedule.window', { at, window: 90.5 }],
    ['schedule.window', { at, window: 604_801 }],
    ['schedule.window', { at, window: 'P' }],
    ['schedule.window', { at, window: 'PT' }],
    ['schedule.window', { at, window: 'P1M' }],
    ['schedule.window', { at, window: null }],
    ['schedule.missed', { at, missed: 'skip' }],
  ])('is refused by the name %s: %j', (field, schedule) => {
    expect(refused(schedule)).toEqual(['InvalidRequest', field]);
  });
});
