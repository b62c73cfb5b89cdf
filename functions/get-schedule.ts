/** GET /schedules/{schedule_id}: one of them, and what became of its last due time. */
import { getSchedule } from '../lib/commands/schedules.ts';
import { api, ok } from '../lib/http/api.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = api(async ({ parameter }) =>
  ok(await getSchedule(tableRuntime(), parameter('schedule_id'))),
);
