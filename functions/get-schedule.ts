/** GET /schedules/{schedule_id}: one of them, and what became of its last due time. */
import { getSchedule } from '../lib/commands/schedules.ts';
import { api, ok } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter }) =>
  ok(await getSchedule(runtime(), parameter('schedule_id'))),
);
