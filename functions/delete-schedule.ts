/** DELETE /schedules/{schedule_id}: nothing is begun by it any more. */
import { deleteSchedule } from '../lib/commands/schedules.ts';
import { api } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter }) => {
  await deleteSchedule(runtime(), parameter('schedule_id'));
  return { statusCode: 204 };
});
