/** Reads `schedule` in the body of `POST /hosts/{host_id}`: what is not understood is refused by its name. */
import { PumphouseError } from '../domain/errors.ts';
import type { Missed, Timing } from '../domain/schedule.ts';
import { parseCron } from '../domain/schedule-expression.ts';

export interface ScheduleInput {
  timing: Timing;
  windowSeconds: number;
  missed: Missed;
}

const FIELDS = ['at', 'cron', 'time_zone', 'until', 'window', 'missed'];
const MISSED: readonly [Missed, ...Missed[]] = ['run', 'report'];

/** Seconds. EventBridge calls within a minute of the due time, so a shorter window may miss it. */
const WINDOW = { least: 60, most: 604_800, usual: 3600 } as const;

type Fields = Readonly<Record<string, unknown>>;

const wrong = (field: string, message: string) => {
  const named = field === '' ? 'schedule' : `schedule.${field}`;
  return new PumphouseError('InvalidRequest', `${named}: ${message}`, {
    details: { field: named },
  });
};

const INSTANT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** The instant in UTC, to the second: EventBridge knows no fractions. */
const instant = (fields: Fields, field: string): string => {
  const value = fields[field];
  const [, day = ''] = typeof value === 'string' ? (INSTANT.exec(value) ?? []) : [];
  const time = Date.parse(String(value));
  // Date.parse takes 30 February for 2 March.
  const exists = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) ?? false;
  if (day && exists && Number.isFinite(time)) {
    return new Date(Math.floor(time / 1000) * 1000).toISOString();
  }
  throw wrong(field, 'takes a time with its offset as ISO 8601 has it, e.g. 2030-01-31T03:00:00Z');
};

const zoneOf = ({ time_zone: value }: Fields): string => {
  try {
    // An offset is no time zone: its clocks never change.
    if (typeof value === 'string' && /^[A-Za-z]/.test(value)) {
      return new Intl.DateTimeFormat('en-US', { timeZone: value }).resolvedOptions().timeZone;
    }
  } catch {
    // It is none.
  }
  throw wrong('time_zone', 'takes the IANA name of a time zone, e.g. Europe/Berlin or UTC');
};

const cronOf = ({ cron: value }: Fields): string => {
  const help = 'minute hour day month weekday year, one of both days ?, e.g. 0 3 ? * SUN *';
  if (typeof value !== 'string') throw wrong('cron', `takes six fields: ${help}`);
  try {
    parseCron(value);
    return value.trim().split(/\s+/).join(' ');
  } catch (error) {
    throw wrong('cron', `${(error as Error).message}; it takes six fields: ${help}`);
  }
};

const timingOf = (fields: Fields): Timing => {
  if (fields.cron === undefined) {
    if (fields.at === undefined) throw wrong('', 'takes at, or cron with time_zone');
    const useless = ['time_zone', 'until'].find((field) => fields[field] !== undefined);
    if (useless) throw wrong(useless, 'goes with cron, not with at');
    return { at: instant(fields, 'at') };
  }
  if (fields.at !== undefined) throw wrong('at', 'does not go with cron');
  const until = fields.until === undefined ? {} : { until: instant(fields, 'until') };
  return { cron: cronOf(fields), timeZone: zoneOf(fields), ...until };
};

const DURATION = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const UNITS = [604_800, 86_400, 3600, 60, 1];

/** Seconds, or a duration as ISO 8601 has it; months and years have no fixed length. */
const secondsOf = (value: unknown): number => {
  if (typeof value !== 'string') return typeof value === 'number' ? value : Number.NaN;
  const [whole, ...parts] = DURATION.exec(value) ?? [];
  if (!whole) return Number.NaN;
  return parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (UNITS[index] ?? 0), 0);
};

const windowOf = ({ window = WINDOW.usual }: Fields): number => {
  const seconds = secondsOf(window);
  const { least, most } = WINDOW;
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return seconds;
  throw wrong('window', `takes seconds, ${least} to ${most}, or a duration, e.g. PT4H`);
};

const missedOf = ({ missed = 'run' }: Fields): Missed => {
  const known = MISSED.find((one) => one === missed);
  if (known) return known;
  throw wrong('missed', `takes ${MISSED.join(', ')}`);
};

/** @throws InvalidRequest naming the field in `details.field` */
export const scheduleInput = (given: unknown): ScheduleInput => {
  if (!given || typeof given !== 'object' || Array.isArray(given)) {
    throw wrong('', 'takes a JSON object');
  }
  const fields = given as Fields;
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field));
  if (unknown) throw wrong(unknown, `is not a field; there are ${FIELDS.join(', ')}`);
  return { timing: timingOf(fields), windowSeconds: windowOf(fields), missed: missedOf(fields) };
};
