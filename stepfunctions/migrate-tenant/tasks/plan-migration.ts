import { PumphouseError } from '../../../lib/domain/errors.ts';
import { refuseCancelled } from '../../../lib/migration/cancellation.ts';
import { GRANT, grantItem } from '../../../lib/migration/grant.ts';
import { planTenant, summary } from '../../../lib/migration/plan-tenant.ts';
import { openTenantMove } from '../../../lib/migration/tenant-move.ts';
import { task } from '../../../lib/task.ts';

/**
 * Plans once more, now that the tenant is held, and writes the plan down. The request was checked
 * before, but either cloud may have changed since. The grant's item is written last: where it
 * stands, the plan is whole, and a repeat leaves it as it is.
 */
export const handler = task(async (runtime, { operation }) => {
  const { plans, config } = runtime;
  const known = await plans.list(operation);
  if (known.some(({ type }) => type === GRANT.type)) return;
  const move = await openTenantMove(runtime, operation);
  refuseCancelled(move.operation);
  const limit = config.relay;
  const { items, obstacles } = await planTenant({ ...move, plans, operation, limit });
  if (obstacles.length > 0) throw new PumphouseError('PlanBlocked', summary(obstacles));
  await plans.put(items);
  await plans.put([grantItem(operation)]);
});
