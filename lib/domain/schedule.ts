/** Schedules of evacuations, and when they are due. The clock and the time zone come in as arguments. */
import type { Operation } from './operation.ts';
import { type Cron, parseCron } from './schedule-expression.ts';

/** Once, at an instant (ISO 8601, UTC). */
export interface Once {
  at: string;
}

/** Again and again, as the clocks of a time zone show; never at or after `until` (ISO 8601, UTC). */
export interface Recurring {
  /** The six fields of EventBridge. */
  cron: string;
  /** By its IANA name. */
  timeZone: string;
  until?: string;
}

export type Timing = Once | Recurring;

/** What becomes of a due time that passed while nobody served it. */
export type Missed = 'run' | 'report';

export interface Schedule {
  id: string;
  /** The host's name, which is its id. */
  host: string;
  timing: Timing;
  /** Seconds after a due time in which the evacuation may be begun, and begin with servers. */
  windowSeconds: number;
  missed: Missed;
  /** How the evacuations are to be done: the input of their operations, settled when it was made. */
  input: Operation['input'];
  createdAt: string;
  /** The earliest due time that is not served; absent once nothing more will come. */
  next?: string;
  /** The due time that was served last, and the operation that it became. */
  last?: { due: string; operation: string };
  /** The due time that is being tried again, and why it could not be served yet. */
  trying?: { due: string; reason: string };
  /** True once it is known to what fires it. */
  armed?: true;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The last year that an expression can name. */
const LAST_YEAR = 2199;

const clockOf = (timeZone: string) =>
  new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });

/** What the clocks show at an instant, as if they showed UTC; milliseconds. */
const wallAt = (clock: Intl.DateTimeFormat, instant: number): number => {
  const parts = new Map(clock.formatToParts(instant).map(({ type, value }) => [type, value]));
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
  const day = Date.UTC(number('year'), number('month') - 1, number('day'));
  return day + (number('hour') * 60 + number('minute')) * MINUTE + number('second') * 1000;
};

/** The first instant at which the clocks show `wall`; none when they pass over it in spring. */
const instantOf = (clock: Intl.DateTimeFormat, wall: number): number | undefined => {
  // Clocks change at most once within two days, so one of both offsets holds.
  const around = [wall - DAY, wall + DAY].map((near) => wall - (wallAt(clock, near) - near));
  return around.sort((a, b) => a - b).find((instant) => wallAt(clock, instant) === wall);
};

const firstOfDay = (cron: Cron, clock: Intl.DateTimeFormat, day: number, after: number) => {
  for (let wall = day; wall < day + DAY; wall += MINUTE) {
    if (!cron.matches(new Date(wall))) continue;
    const instant = instantOf(clock, wall);
    if (instant !== undefined && instant > after) return instant;
  }
  return undefined;
};

const nextOfCron = ({ cron: text, timeZone }: Recurring, after: number): number | undefined => {
  const cron = parseCron(text);
  const clock = clockOf(timeZone);
  const today = Math.floor(wallAt(clock, after) / DAY) * DAY;
  const end = Date.UTC(LAST_YEAR + 1, 0);
  for (let day = today; day < end; day += DAY) {
    const found = cron.onDay(new Date(day)) ? firstOfDay(cron, clock, day, after) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
};

/**
 * The first due time after an instant; nothing when none will come.
 *
 * As EventBridge has it: a time that the clocks pass over in spring is left out, one that they show
 * twice in autumn comes once.
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export const nextDue = (timing: Timing, after: Date): string | undefined => {
  if ('at' in timing) return Date.parse(timing.at) > after.getTime() ? timing.at : undefined;
  const due = nextOfCron(timing, after.getTime());
  if (due === undefined || due >= Date.parse(timing.until ?? '9999-01-01')) return undefined;
  return new Date(due).toISOString();
};

/** The due time that a delivery speaks of, always written in the same way. */
export const dueTime = (timing: Timing, delivered: Date): string =>
  'at' in timing
    ? timing.at
    : new Date(Math.floor(delivered.getTime() / MINUTE) * MINUTE).toISOString();

/** When nothing new may be begun any more. */
export const windowEnd = ({ windowSeconds }: Pick<Schedule, 'windowSeconds'>, due: string): Date =>
  new Date(Date.parse(due) + windowSeconds * 1000);
