/** Schedules as the API shows them. Absent rather than null. */
import type { EvacuationInput } from '../domain/operation.ts';
import type { Schedule, Timing } from '../domain/schedule.ts';
import type { OperationStore } from '../ports.ts';
import { evacuationOptions } from './evacuation-input.ts';
import { operationAnswer } from './operation-answer.ts';

const timingAnswer = (timing: Timing) =>
  'at' in timing
    ? timing
    : {
        ...{ cron: timing.cron, time_zone: timing.timeZone },
        ...(timing.until && { until: timing.until }),
      };

/** What the request asked for, with the defaults that it left out, when it is due, and what was last. */
export const scheduleAnswer = (schedule: Schedule): Record<string, unknown> => {
  const { id, host, timing, windowSeconds, missed, input, createdAt } = schedule;
  const { next, trying, last } = schedule;
  return {
    ...{ id, host: { id: host, name: host } },
    schedule: { ...timingAnswer(timing), window: windowSeconds, missed },
    options: evacuationOptions(input as unknown as EvacuationInput),
    created_at: createdAt,
    ...(next && { next }),
    ...(trying && { trying }),
    ...(last && { last: { ...last, events: `/events/${last.operation}` } }),
  };
};

/** The same, with how the operation of the last due time stands. */
export const scheduleWhole = async (
  operations: Pick<OperationStore, 'get'>,
  schedule: Schedule,
): Promise<Record<string, unknown>> => {
  const answer = scheduleAnswer(schedule);
  const known = schedule.last && (await operations.get(schedule.last.operation));
  if (!known) return answer;
  const { state, status, reason } = operationAnswer(known);
  const outcome = { state, ...(status !== undefined && { status }), ...(reason ? { reason } : {}) };
  return { ...answer, last: { ...(answer.last as object), ...outcome } };
};
