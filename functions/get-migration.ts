/** GET /migrations/{migration_id}: one operation, with the state of every server in it. */
import { getMigration } from '../lib/commands/get-migration.ts';
import { api, ok } from '../lib/http/api.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = api(async ({ parameter }) =>
  ok(await getMigration(tableRuntime(), parameter('migration_id'))),
);
