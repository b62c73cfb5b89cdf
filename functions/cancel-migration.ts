/** POST /migrations/{migration_id}/cancel: asks a running operation to stop. */
import { cancelMigration } from '../lib/commands/cancel-migration.ts';
import { accepted, api } from '../lib/http/api.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = api(async ({ parameter }) =>
  accepted(await cancelMigration(tableRuntime(), parameter('migration_id'))),
);
