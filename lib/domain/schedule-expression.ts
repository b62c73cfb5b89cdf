/**
 * Schedule expressions of EventBridge: pure, and without a time zone.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 */

/** A test of a time of the clock, which stands in the UTC fields of a date. */
type Test = (time: Date) => boolean;

/** The minutes that match, and the days on which some may. */
export interface Cron {
  matches: Test;
  onDay: Test;
}

/** Either every so many milliseconds, or by cron. */
export type ScheduleExpression = { every: number } | Cron;

const UNITS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

interface Field {
  low: number;
  high: number;
  names?: string[];
}

const FIELDS: Record<'minute' | 'hour' | 'month' | 'weekday' | 'day' | 'year', Field> = {
  minute: { low: 0, high: 59 },
  hour: { low: 0, high: 23 },
  day: { low: 1, high: 31 },
  month: { low: 1, high: 12, names: MONTHS },
  weekday: { low: 1, high: 7, names: DAYS },
  year: { low: 1970, high: 2199 },
};

const toNumber = (text: string, { low, high, names }: Field): number => {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + low : Number(text);
  if (text !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw new Error(`"${text}" is not between ${low} and ${high}`);
};

/** One item of a list: `*`, `5`, `MON-FRI`, `0/15`, `10-30/5`. */
const itemMatches = (item: string, field: Field): ((value: number) => boolean) => {
  const [range = '', step] = item.split('/');
  const every = step === undefined ? 1 : Number(step);
  if (!Number.isInteger(every) || every < 1) throw new Error(`"${item}" has no step`);
  if (range === '*') return (value) => (value - field.low) % every === 0;
  const [first = '', last] = range.split('-');
  const from = toNumber(first, field);
  const open = step === undefined ? from : field.high;
  const to = last === undefined ? open : toNumber(last, field);
  if (to < from) throw new Error(`"${item}" goes backwards`);
  return (value) => value >= from && value <= to && (value - from) % every === 0;
};

const listMatches = (text: string, field: Field): ((value: number) => boolean) => {
  const items = text.split(',').map((item) => itemMatches(item, field));
  return (value) => items.some((matches) => matches(value));
};

const lastDay = (time: Date): number =>
  new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 0)).getUTCDate();

/** The weekday (Monday to Friday) of the month that is nearest to a day. */
const nearestWeekday = (time: Date, day: number): number => {
  const weekday = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), day)).getUTCDay();
  if (weekday === 6) return day === 1 ? day + 2 : day - 1;
  if (weekday === 0) return day === lastDay(time) ? day - 2 : day + 1;
  return day;
};

const dayMatches = (text: string): Test => {
  if (text === '?' || text === '*') return () => true;
  if (text === 'L') return (time) => time.getUTCDate() === lastDay(time);
  const near = /^(\d+)W$/.exec(text);
  if (near) return (time) => time.getUTCDate() === nearestWeekday(time, Number(near[1]));
  const matches = listMatches(text, FIELDS.day);
  return (time) => matches(time.getUTCDate());
};

const weekdayMatches = (text: string): Test => {
  if (text === '?' || text === '*') return () => true;
  const nth = /^(\w+)#([1-5])$/.exec(text);
  const last = /^(\w+)L$/.exec(text);
  const day = toNumber(nth?.[1] ?? last?.[1] ?? '1', FIELDS.weekday) - 1;
  if (nth)
    return (time) =>
      time.getUTCDay() === day && Math.ceil(time.getUTCDate() / 7) === Number(nth[2]);
  if (last) return (time) => time.getUTCDay() === day && time.getUTCDate() > lastDay(time) - 7;
  const matches = listMatches(text, FIELDS.weekday);
  return (time) => matches(time.getUTCDay() + 1);
};

/**
 * Reads the six fields of a cron expression.
 * @throws Error that says what is wrong with them
 */
export const parseCron = (text: string): Cron => {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 6) throw new Error('a cron expression has six fields');
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = fields;
  if ((day === '?') === (weekday === '?')) throw new Error('one of the two day fields must be ?');
  const [minutes, hours] = [listMatches(minute, FIELDS.minute), listMatches(hour, FIELDS.hour)];
  const [months, years] = [listMatches(month, FIELDS.month), listMatches(year, FIELDS.year)];
  const [days, weekdays] = [dayMatches(day), weekdayMatches(weekday)];
  const onDay: Test = (time) =>
    months(time.getUTCMonth() + 1) && years(time.getUTCFullYear()) && days(time) && weekdays(time);
  const matches: Test = (time) =>
    minutes(time.getUTCMinutes()) && hours(time.getUTCHours()) && onDay(time);
  return { matches, onDay };
};

const parseRate = (text: string): ScheduleExpression => {
  const [count = '', unit = ''] = text.trim().split(/\s+/);
  const milliseconds = UNITS[unit.replace(/s$/, '')];
  if (!/^[1-9]\d*$/.test(count) || !milliseconds) throw new Error(`rate(${text}) is no rate`);
  return { every: Number(count) * milliseconds };
};

/**
 * Reads `rate(…)` or `cron(…)`.
 * @throws Error that says what is wrong with the expression
 */
export const parseSchedule = (expression: string): ScheduleExpression => {
  const [, kind, inside = ''] = /^(rate|cron)\((.+)\)$/.exec(expression.trim()) ?? [];
  try {
    if (kind === 'rate') return parseRate(inside);
    if (kind === 'cron') return parseCron(inside);
  } catch (error) {
    throw new Error(`schedule ${expression}: ${(error as Error).message}`);
  }
  throw new Error(`schedule ${expression} is neither rate(…) nor cron(…)`);
};
