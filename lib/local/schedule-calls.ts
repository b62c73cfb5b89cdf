/** Calls the targets of schedules when they are due: at least once, over restarts too. */
import { nextDue, type Timing } from '../domain/schedule.ts';
import type { ScheduleRecord, ScheduleRecords } from './schedule-records.ts';

/** Milliseconds after which the clock is read again at the latest: it may have been set meanwhile. */
const TICK = 30_000;

/** Seconds for which AWS tries to deliver, unless it is told otherwise. */
const EVENT_AGE = 86_400;

/** The request of CreateSchedule, as far as it is read here. */
export interface ScheduleRequest {
  ScheduleExpression: string;
  ScheduleExpressionTimezone?: string;
  /** Seconds since 1970. */
  EndDate?: number;
  ActionAfterCompletion?: string;
  ClientToken?: string;
  FlexibleTimeWindow: { Mode: string };
  Target: {
    Arn: string;
    RoleArn: string;
    Input?: string;
    RetryPolicy?: { MaximumEventAgeInSeconds?: number };
  };
}

export interface CallOptions {
  records: ScheduleRecords;
  /** Invokes a function by its ARN, as an event. */
  invoke: (functionArn: string, event: unknown) => Promise<unknown>;
  /** Told what was called and failed, or was too late to be called. */
  report: (line: string) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** @throws Error that says what is wrong with the expression */
export const timingOf = (request: ScheduleRequest): Timing => {
  const { ScheduleExpression: text, ScheduleExpressionTimezone: timeZone = 'UTC' } = request;
  const [, kind, inside = ''] = /^(at|cron)\((.+)\)$/.exec(text) ?? [];
  const until = request.EndDate && new Date(request.EndDate * 1000).toISOString();
  if (kind === 'cron') return { cron: inside, timeZone, ...(until && { until }) };
  if (kind === 'at' && timeZone === 'UTC' && /^\d{4}(-\d\d){2}T\d\d(:\d\d){2}$/.test(inside)) {
    return { at: new Date(`${inside}Z`).toISOString() };
  }
  throw new Error(`${text} is neither cron(…) nor at(yyyy-mm-ddThh:mm:ss) in UTC`);
};

/** When it is due after an instant; milliseconds since 1970. */
export const dueAfter = (request: ScheduleRequest, after: number): number | undefined => {
  const due = nextDue(timingOf(request), new Date(after));
  return due === undefined ? undefined : Date.parse(due);
};

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
const eventOf = ({ Target }: ScheduleRequest, due: number): unknown => {
  const time = `${new Date(due).toISOString().slice(0, 19)}Z`;
  return JSON.parse((Target.Input ?? '{}').replaceAll('<aws.scheduler.scheduled-time>', time));
};

/** Calls what is due from `begin` until it is stopped. */
export const startCalls = ({ records, invoke, report, now }: CallOptions) => {
  const calling = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  const deliver = async ({ name, next }: ScheduleRecord, request: ScheduleRequest) => {
    const { Arn, RetryPolicy } = request.Target;
    const age = (RetryPolicy?.MaximumEventAgeInSeconds ?? EVENT_AGE) * 1000;
    if (now() - next > age) return report(`schedule ${name} was due too long ago to be called`);
    // Lambda is called as an event: what becomes of it is the function's own business.
    await invoke(Arn, eventOf(request, next)).catch((error: unknown) =>
      report(`schedule ${name} failed: ${error instanceof Error ? error.message : error}`),
    );
  };

  /** Moves on only after the call: a death in between has it called again. */
  const call = async (record: ScheduleRecord): Promise<void> => {
    const request = JSON.parse(record.request) as ScheduleRequest;
    await deliver(record, request);
    const next = dueAfter(request, record.next);
    if (next === undefined) records.remove(record);
    else records.move(record, next);
  };

  /** Calls everything that is due, and waits for it. */
  const callDue = async (): Promise<void> => {
    for (const record of records.due(now())) {
      const key = `${record.groupName}/${record.name}`;
      if (calling.has(key)) continue;
      const called = call(record).finally(() => {
        calling.delete(key);
        wind();
      });
      calling.set(key, called);
    }
    await Promise.all(calling.values());
  };

  /** Sets the timer for what is due next. */
  const wind = (): void => {
    clearTimeout(timer);
    if (!running) return;
    const late = records.due(now()).some((one) => !calling.has(`${one.groupName}/${one.name}`));
    const next = late ? 0 : (records.soonest(now()) ?? Number.POSITIVE_INFINITY) - now();
    timer = setTimeout(
      () => {
        void callDue();
        wind();
      },
      Math.min(next, TICK),
    );
  };

  return {
    callDue,
    wind,
    begin(): void {
      running = true;
      wind();
    },
    async stop(): Promise<void> {
      running = false;
      clearTimeout(timer);
      await Promise.all(calling.values());
    },
  };
};
