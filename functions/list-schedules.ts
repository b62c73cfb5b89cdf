/** GET /schedules: evacuations that are planned for later, the next one first. */
import { listSchedules } from '../lib/commands/schedules.ts';
import { api, ok } from '../lib/http/api.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = api(async () => ok(await listSchedules(tableRuntime())));
