/** EventBridge rules with a schedule: functions that run by the clock. */
import { randomUUID } from 'node:crypto';
import { parseSchedule } from '../domain/schedule-expression.ts';
import type { Scheduled } from './service-model.ts';

const MINUTE = 60_000;

/** How often the clock is read for cron expressions: often enough that no minute is missed; milliseconds. */
const TICK = MINUTE / 4;

export interface SchedulerOptions {
  schedules: Scheduled[];
  invoke: (functionKey: string, event: unknown) => Promise<unknown>;
  /** Told when a run fails; the next one comes all the same. */
  report: (functionKey: string, error: unknown) => void;
  now?: () => Date;
}

/** https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html */
const scheduledEvent = (functionKey: string, time: Date): object => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '000000000000',
  time: `${time.toISOString().slice(0, 19)}Z`,
  region: 'us-east-1',
  resources: [`arn:aws:events:us-east-1:000000000000:rule/${functionKey}`],
  detail: {},
});

const runner = (scheduled: Scheduled, options: SchedulerOptions) => {
  const { functionKey, input } = scheduled;
  const { invoke, report, now = () => new Date() } = options;
  let running: Promise<unknown> | undefined;
  return {
    /** Runs the function, unless its last run is still going. */
    run(): void {
      running ??= invoke(functionKey, input ?? scheduledEvent(functionKey, now()))
        .catch((error) => report(functionKey, error))
        .finally(() => {
          running = undefined;
        });
    },
    idle: () => running,
  };
};

export interface Scheduler {
  /** Settles when each function has run once. */
  first: Promise<unknown>;
  /** Runs nothing more, and waits for what is running. */
  stop(): Promise<void>;
}

/** Runs what is due once in each minute that matches. */
const cronTick = (matches: (time: Date) => boolean, now: () => Date, run: () => void) => {
  let last = 0;
  return (): void => {
    const minute = Math.floor(now().getTime() / MINUTE);
    if (minute === last || !matches(now())) return;
    last = minute;
    run();
  };
};

/**
 * Runs each scheduled function once now and then by its schedule, never beside itself.
 * @throws Error for an expression that cannot be read
 */
export const startScheduler = (options: SchedulerOptions): Scheduler => {
  const now = options.now ?? (() => new Date());
  const parsed = options.schedules.map((scheduled) => ({
    schedule: parseSchedule(scheduled.expression),
    ...runner(scheduled, options),
  }));
  const timers = parsed.map(({ schedule, run }) =>
    'every' in schedule
      ? setInterval(run, schedule.every)
      : setInterval(cronTick(schedule.matches, now, run), TICK),
  );
  for (const { run } of parsed) run();
  const idle = () => Promise.all(parsed.map((one) => one.idle()));
  return {
    first: idle(),
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await idle();
    },
  };
};
