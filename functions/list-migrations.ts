/** GET /migrations: the operations of whatever kind, newest first. */
import { listMigrations } from '../lib/commands/list-migrations.ts';
import { api, ok } from '../lib/http/api.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = api(async ({ query }) => ok(await listMigrations(tableRuntime(), query)));
