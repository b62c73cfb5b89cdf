/** Schedules as those of EventBridge Scheduler: a schedule's id is its name, in a group of the stack. */
import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import type { ScheduleTarget } from './config.ts';
import { PumphouseError } from './domain/errors.ts';
import type { Schedule, Timing } from './domain/schedule.ts';
import type { Schedules } from './ports.ts';

/**
 * Seconds within which a call of the function that was refused is repeated; EventBridge takes 60 to
 * 86,400. A call that came through is not repeated by EventBridge, whatever becomes of it: the
 * sweeper tries again what could not be begun, and what nobody served ends as an event. So there is
 * no dead-letter queue: nothing would be in it that the table does not know.
 */
const eventAge = (windowSeconds: number) => Math.min(Math.max(windowSeconds, 60), 86_400);

const whenOf = (timing: Timing) =>
  'at' in timing
    ? {
        ScheduleExpression: `at(${timing.at.slice(0, 19)})`,
        ScheduleExpressionTimezone: 'UTC',
        ActionAfterCompletion: 'DELETE' as const,
      }
    : {
        ScheduleExpression: `cron(${timing.cron})`,
        ScheduleExpressionTimezone: timing.timeZone,
        ...(timing.until && { EndDate: new Date(timing.until) }),
        ActionAfterCompletion: 'DELETE' as const,
      };

const requestOf = (target: ScheduleTarget, { id, host, timing, windowSeconds }: Schedule) => ({
  Name: id,
  GroupName: target.group,
  Description: `Pumphouse evacuates host ${host}`.slice(0, 512),
  ...whenOf(timing),
  FlexibleTimeWindow: { Mode: 'OFF' as const },
  Target: {
    Arn: target.function,
    RoleArn: target.role,
    // https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    Input: JSON.stringify({ schedule: id, due: '<aws.scheduler.scheduled-time>' }),
    RetryPolicy: { MaximumEventAgeInSeconds: eventAge(windowSeconds), MaximumRetryAttempts: 185 },
  },
});

/**
 * Schedules of a group; where the service is, and with which credentials, is the SDK's own business.
 * @param target absent in functions that make no schedules
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
 */
export const eventBridgeSchedules = (target: ScheduleTarget | undefined): Schedules => {
  let opened: SchedulerClient | undefined;
  const open = () => {
    if (!target) throw new PumphouseError('NotImplemented', 'No group of schedules is configured');
    opened ??= new SchedulerClient({});
    return { client: opened, target };
  };
  return {
    async put(schedule) {
      const { client, target } = open();
      try {
        await client.send(new CreateScheduleCommand(requestOf(target, schedule)));
      } catch (error) {
        if (!(error instanceof ConflictException)) throw error;
      }
    },

    async remove(id) {
      const { client, target } = open();
      try {
        await client.send(new DeleteScheduleCommand({ Name: id, GroupName: target.group }));
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
    },
  };
};
