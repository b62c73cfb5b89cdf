/** POST /migrations/{migration_id}/cancel: asks a running operation to stop. */
import { cancelMigration } from '../lib/commands/cancel-migration.ts';
import { accepted, api } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter }) =>
  accepted(await cancelMigration(runtime(), parameter('migration_id'))),
);
