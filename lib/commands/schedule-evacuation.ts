import { PumphouseError } from '../domain/errors.ts';
import { nextDue, type Schedule } from '../domain/schedule.ts';
import { errorFields, log } from '../log.ts';
import type { Cloud, Schedules, Timetable } from '../ports.ts';
import { computeServices } from '../resources/host.ts';
import { canonical } from '../resources/resource-type.ts';
import type { Runtime } from '../runtime.ts';
import { evacuationInput } from './evacuation-input.ts';
import { operationId } from './operation-id.ts';
import { scheduleAnswer } from './schedule-answer.ts';
import { scheduleInput } from './schedule-input.ts';

export interface ScheduleEvacuation {
  /** The host's name. */
  hostId: string;
  /** The parsed JSON body, which has `schedule`. */
  body: Readonly<Record<string, unknown>>;
  idempotencyKey?: string | undefined;
}

/** Whether a body asks for an evacuation at another time than now. */
export const hasSchedule = (body: unknown): body is Readonly<Record<string, unknown>> =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, 'schedule');

const unprocessable = (field: string, message: string) =>
  new PumphouseError('InvalidRequest', `${field}: ${message}`, {
    details: { field, unprocessable: true },
  });

const readBody = ({ schedule, ...options }: ScheduleEvacuation['body']) => {
  const { input, dryRun } = evacuationInput(options);
  if (!dryRun) return { ...scheduleInput(schedule), input: { ...input } };
  throw new PumphouseError('InvalidRequest', 'dry_run: does not go with schedule', {
    details: { field: 'dry_run' },
  });
};

const firstDue = ({ timing }: ReturnType<typeof readBody>, now: Date): string => {
  const due = nextDue(timing, now);
  if (due) return due;
  if ('at' in timing) throw unprocessable('schedule.at', `${timing.at} is in the past`);
  if (timing.until) throw unprocessable('schedule.until', 'is before the first due time');
  throw unprocessable('schedule.cron', 'names a time that will never come');
};

const refuseUnknown = async (source: Cloud, hostId: string) => {
  for await (const { host } of computeServices(source)) if (host === hostId) return;
  throw new PumphouseError('ResourceNotFound', `The source has no host ${hostId}`);
};

/** What was asked for, without what came of it. */
const requestOf = ({ host, timing, windowSeconds, missed, input }: Schedule) =>
  canonical({ host, timing, windowSeconds, missed, input });

const sameRequest = (existing: Schedule, schedule: Schedule) => {
  if (requestOf(existing) === requestOf(schedule)) return;
  const said = `This Idempotency-Key was used for another schedule of ${existing.host}; take a new key`;
  throw new PumphouseError('InvalidRequest', said, {
    details: { unprocessable: true, schedule: existing.id },
  });
};

/**
 * Hands a schedule that is written down over to what fires it.
 *
 * Idempotent. One that was removed meanwhile is taken back.
 */
export const armSchedule = async (
  { timetable, schedules }: { timetable: Timetable; schedules: Schedules },
  schedule: Schedule,
): Promise<void> => {
  await schedules.put(schedule);
  if (!(await timetable.arm(schedule.id))) await schedules.remove(schedule.id);
};

/**
 * Plans an evacuation of a host of the source for later, once or again and again. Whether the host
 * can be emptied is seen when it is due; that there is such a host, and what is asked for, is seen now.
 *
 * Idempotent by `idempotencyKey`. Once it is written down it will be due: should EventBridge not take
 * it now, the sweeper hands it over.
 * @throws InvalidRequest with `details.field`, ResourceNotFound
 */
export const scheduleEvacuation = async (
  runtime: Runtime,
  { hostId, body, idempotencyKey }: ScheduleEvacuation,
): Promise<{ id: string; answer: Record<string, unknown> }> => {
  const { timetable, clock } = runtime;
  const request = readBody(body);
  const id = operationId('schedule', hostId, idempotencyKey);
  const made = { id, host: hostId, createdAt: clock.now().toISOString(), ...request };
  const known = idempotencyKey && (await timetable.get(id));
  if (known) {
    sameRequest(known, made);
    return { id, answer: scheduleAnswer(known) };
  }
  const next = firstDue(request, clock.now());
  await refuseUnknown((await runtime.clouds()).source, hostId);
  const schedule = await timetable.add({ ...made, next });
  await armSchedule(runtime, schedule).catch((error: unknown) =>
    log.warn('the sweeper will hand it over', { schedule: id, ...errorFields(error) }),
  );
  return { id, answer: scheduleAnswer(schedule) };
};
