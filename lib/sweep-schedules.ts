/**
 * Looks after schedules every minute, and when the service starts: what was written down but is not
 * known to what fires it is handed over, and a due time that nobody served is served.
 */
import { armSchedule } from './commands/schedule-evacuation.ts';
import {
  ON_TIME_SECONDS,
  type Served,
  startScheduledEvacuation,
} from './commands/start-scheduled-evacuation.ts';
import type { Schedule } from './domain/schedule.ts';
import { errorFields, log } from './log.ts';
import type { Runtime } from './runtime.ts';

/** Due times of one schedule that are served in one go; the next minute takes the next. */
const AT_ONCE = 20;

/** One that is on time is still left to what fires it, unless it was tried already. */
const isOverdue = ({ clock }: Runtime, { next, trying }: Schedule) => {
  if (!next) return false;
  const grace = trying?.due === next ? 0 : ON_TIME_SECONDS * 1000;
  return clock.now().getTime() > Date.parse(next) + grace;
};

const serveOverdue = async (runtime: Runtime, { id }: Schedule): Promise<Served[]> => {
  const served: Served[] = [];
  while (served.length < AT_ONCE && served.at(-1) !== 'postponed') {
    const schedule = await runtime.timetable.get(id);
    if (!schedule?.next || !isOverdue(runtime, schedule)) break;
    served.push(await startScheduledEvacuation(runtime, { schedule: id, due: schedule.next }));
  }
  return served;
};

const sweepSchedule = async (runtime: Runtime, schedule: Schedule): Promise<Served[]> => {
  if (schedule.next && !schedule.armed) await armSchedule(runtime, schedule).catch(warn(schedule));
  return serveOverdue(runtime, schedule);
};

const warn =
  ({ id }: Schedule) =>
  (error: unknown): void =>
    log.warn('it cannot be handed over', { schedule: id, ...errorFields(error) });

/**
 * Sweeps every schedule and answers what was served, by its id.
 *
 * Idempotent. One that cannot be swept does not keep the others waiting.
 * @throws AggregateError of what went wrong, after all have been looked at
 */
export const sweepSchedules = async (runtime: Runtime): Promise<Map<string, Served[]>> => {
  const swept = new Map<string, Served[]>();
  const errors: unknown[] = [];
  for (const schedule of await runtime.timetable.list()) {
    try {
      swept.set(schedule.id, await sweepSchedule(runtime, schedule));
    } catch (error) {
      errors.push(error);
      log.error('it cannot be swept', { schedule: schedule.id, ...errorFields(error) });
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'Some schedules cannot be swept');
  return swept;
};
