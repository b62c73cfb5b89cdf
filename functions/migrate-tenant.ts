/** POST /tenants/{tenant_id}: begins to migrate the tenant to the destination. */
import { migrateTenant } from '../lib/commands/migrate-tenant.ts';
import { api, created } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter, body, idempotencyKey }) =>
  created(
    await migrateTenant(runtime(), { tenantId: parameter('tenant_id'), body, idempotencyKey }),
  ),
);
