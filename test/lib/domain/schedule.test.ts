import { describe, expect, test } from 'vitest';
import { dueTime, nextDue } from '../../../lib/domain/schedule.ts';

const next = (cron: string, timeZone: string, after: string, until?: string) =>
  nextDue({ cron, timeZone, ...(until && { until }) }, new Date(after));

describe('a schedule', () => {
  test('of one time is due then, and never again', () => {
    const at = '2026-12-01T03:00:00.000Z';
    expect(nextDue({ at }, new Date('2026-11-01T00:00:00Z'))).toBe(at);
    expect(nextDue({ at }, new Date(at))).toBeUndefined();
  });

  test.each([
    ['0 3 ? * SUN *', 'UTC', '2026-11-23T12:00:00Z', '2026-11-29T03:00:00.000Z'],
    ['0 3 * * ? *', 'Asia/Kathmandu', '2026-11-23T12:00:00Z', '2026-11-23T21:15:00.000Z'],
    ['0 3 29 2 ? *', 'UTC', '2026-11-23T12:00:00Z', '2028-02-29T03:00:00.000Z'],
    ['0/10 * * * ? *', 'UTC', '2026-11-23T12:10:00Z', '2026-11-23T12:20:00.000Z'],
  ])('of %s in %s is due as its clocks show, after the given instant', (cron, zone, after, due) => {
    expect(next(cron, zone, after)).toBe(due);
  });

  test('leaves out a time that the clocks pass over in spring', () => {
    expect(next('30 2 * * ? *', 'Europe/Berlin', '2027-03-27T12:00:00Z')).toBe(
      '2027-03-29T00:30:00.000Z',
    );
  });

  test('comes once when the clocks show its time twice in autumn', () => {
    const first = '2026-10-25T00:30:00.000Z';
    expect(next('30 2 * * ? *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe(first);
    expect(next('30 2 * * ? *', 'Europe/Berlin', first)).toBe('2026-10-26T01:30:00.000Z');
  });

  test('is never due at or after its end, nor on a day that no year has', () => {
    const after = '2026-11-23T12:00:00Z';
    expect(next('0 3 * * ? *', 'UTC', after, '2026-11-24T03:00:00.000Z')).toBeUndefined();
    expect(next('0 3 * * ? *', 'UTC', after, '2026-11-24T03:00:01.000Z')).toBeDefined();
    expect(next('0 3 30 2 ? *', 'UTC', after)).toBeUndefined();
  });

  test('names a due time in one way, however a delivery writes it', () => {
    const cron = { cron: '0 3 * * ? *', timeZone: 'UTC' };
    for (const text of ['2026-11-24T03:00:00Z', '2026-11-24T04:00:27.5+01:00'])
      expect(dueTime(cron, new Date(text))).toBe('2026-11-24T03:00:00.000Z');
    const at = '2026-11-24T03:00:07.000Z';
    expect(dueTime({ at }, new Date('2026-11-24T03:00:07Z'))).toBe(at);
  });
});
