/** A due time of a schedule becomes one operation, whatever comes of it: one that runs, or one that says why not. */
import { isError, PumphouseError } from '../domain/errors.ts';
import { isUnbegun } from '../domain/lifecycle.ts';
import type { EvacuationInput, Operation } from '../domain/operation.ts';
import { dueTime, nextDue, type Schedule, windowEnd } from '../domain/schedule.ts';
import { errorFields, log } from '../log.ts';
import { endOperation } from '../operations.ts';
import type { Runtime } from '../runtime.ts';
import { evacuateHost } from './evacuate-host.ts';
import { operationId } from './operation-id.ts';

/** Seconds in which a due time is still on time: EventBridge calls within the minute. */
export const ON_TIME_SECONDS = 120;

export interface Due {
  /** The schedule's id. */
  schedule: string;
  /** ISO 8601, as what fires it writes it. */
  due: string;
}

/** What became of a due time. */
export type Served = 'started' | 'reported' | 'postponed' | 'unknown';

/**
 * The key of a due time's operation: fired twice, it is one operation. No `Idempotency-Key` of a
 * request can be the same, which is ASCII.
 */
const dueKey = ({ id }: Schedule, due: string) => `schedule → ${id} → ${due}`;

interface Firing {
  runtime: Runtime;
  schedule: Schedule;
  due: string;
  /** The id of its operation. */
  operation: string;
  until: string;
}

const isLate = ({ runtime, due }: Firing) =>
  runtime.clock.now().getTime() > Date.parse(due) + ON_TIME_SECONDS * 1000;

/** Why nothing may be begun by now, if so. */
const whyNot = (firing: Firing): string | undefined => {
  const { runtime, schedule, due, until } = firing;
  const now = runtime.clock.now();
  const tried = schedule.trying?.due === due ? schedule.trying.reason : undefined;
  if (now > new Date(until)) {
    const last = tried ? `. The last attempt failed: ${tried}` : '';
    return `Nothing was begun: it was due at ${due}, and its window ended at ${until}${last}`;
  }
  if (tried || !isLate(firing)) return undefined;
  const following = nextDue(schedule.timing, new Date(due));
  if (following && new Date(following) <= now) {
    return `Nothing was begun: it was due at ${due} while the service was down, and was due again at ${following}`;
  }
  if (schedule.missed === 'run') return undefined;
  return `Nothing was begun: it was due at ${due} while the service was down, and is only reported`;
};

const inputOf = ({ schedule, due, until }: Firing) => ({
  ...schedule.input,
  schedule: { id: schedule.id, due, until },
});

/** An operation that holds the schedule and no host, and ends at once. */
const report = async (firing: Firing, reason: string): Promise<Served> => {
  const { runtime, schedule, operation } = firing;
  const { id, host } = schedule;
  await runtime.operations.begin({
    ...{ id: operation, kind: 'evacuation', state: 'running' },
    subject: { type: 'schedule', cloud: 'source', id, name: host },
    input: { ...inputOf(firing), reason },
    createdAt: runtime.clock.now().toISOString(),
  });
  await endOperation(runtime, operation, 'error', reason);
  log.warn('a schedule began nothing', { schedule: id, operation, reason });
  return 'reported';
};

/** What may have gone by the next minute: the cloud's state, and bugs, which the log tells. */
const PASSING = [
  'CloudUnavailable',
  'CloudBusy',
  'CredentialsRefused',
  'DeadlineExceeded',
] as const;

const postpone = async ({ runtime, schedule, due }: Firing, error: unknown): Promise<Served> => {
  log.error('a schedule will be tried again', { schedule: schedule.id, ...errorFields(error) });
  const reason = isError(error) ? error.message : 'Pumphouse failed; see its log';
  await runtime.timetable.postpone(schedule.id, { due, reason });
  return 'postponed';
};

/** What will not pass; anything else is thrown again. */
const refusalOf = (error: unknown): PumphouseError => {
  if (isError(error) && !isError(error, ...PASSING)) return error;
  throw error;
};

const begin = async (firing: Firing): Promise<Served> => {
  const { runtime, schedule, due, operation } = firing;
  const input = inputOf(firing) as unknown as EvacuationInput;
  try {
    const idempotencyKey = dueKey(schedule, due);
    await evacuateHost(runtime, { hostId: schedule.host, input, idempotencyKey });
    return 'started';
  } catch (error) {
    const refused = refusalOf(error);
    // Somebody else has just been called for the same due time.
    if (refused.details.operation === operation) return 'started';
    return report(firing, refused.message);
  }
};

/** What an earlier call made of it, brought to its end where that call died. */
const goOn = async ({ runtime }: Firing, known: Operation): Promise<Served> => {
  if (!isUnbegun(known)) return 'started';
  if (known.state === 'running') {
    await endOperation(runtime, known.id, 'error', String(known.input.reason));
  }
  return 'reported';
};

const serve = async (firing: Firing): Promise<Served> => {
  const known = await firing.runtime.operations.get(firing.operation);
  if (known) return goOn(firing, known);
  const reason = whyNot(firing);
  return reason ? report(firing, reason) : begin(firing);
};

const openFiring = (runtime: Runtime, schedule: Schedule, delivered: Date): Firing => {
  const due = dueTime(schedule.timing, delivered);
  const operation = operationId('evacuation', schedule.host, dueKey(schedule, due));
  const until = windowEnd(schedule, due).toISOString();
  return { runtime, schedule, due, operation, until };
};

/**
 * Serves a due time: begins the evacuation, or tells in its stream why it could not be begun. What
 * may pass, as a cloud that does not answer, is left to the next minute while the window lasts.
 *
 * Idempotent: what fires schedules does so at least once, and the operation's id is made from the
 * schedule's and the due time. A schedule that is not there any more begins nothing.
 * @throws InvalidRequest for what is no due time
 */
export const startScheduledEvacuation = async (
  runtime: Runtime,
  { schedule: id, due: delivered }: Due,
): Promise<Served> => {
  const time = new Date(delivered);
  if (Number.isNaN(time.getTime())) {
    throw new PumphouseError('InvalidRequest', `due: ${delivered} is no time`);
  }
  const schedule = await runtime.timetable.get(id);
  if (!schedule) {
    log.info('a schedule that was removed is passed over', { schedule: id });
    return 'unknown';
  }
  const firing = openFiring(runtime, schedule, time);
  const { due, operation } = firing;
  let served: Served;
  try {
    served = await serve(firing);
  } catch (error) {
    return postpone(firing, error);
  }
  const next = nextDue(schedule.timing, new Date(due));
  await runtime.timetable.serve(id, { due, operation }, next);
  return served;
};
