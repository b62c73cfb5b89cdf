import { endReason } from '../../../lib/migration/cancellation.ts';
import { revokeGrant } from '../../../lib/migration/grant.ts';
import { openTenantMove } from '../../../lib/migration/tenant-move.ts';
import { endOperation } from '../../../lib/operations.ts';
import { task } from '../../../lib/task.ts';

/** Takes our role back and ends the operation: with an error that names whatever did not move. */
export const handler = task(async (runtime, { operation }) => {
  const { destination, operation: known } = await openTenantMove(runtime, operation);
  await revokeGrant(destination, runtime.plans, operation);
  const items = await runtime.plans.list(operation);
  const failed = items.filter(({ state }) => state === 'failed');
  const failures = failed.map(({ type, label, reason }) => `${type} ${label}: ${reason}`);
  const reason = endReason(known, failures);
  await endOperation(runtime, operation, reason ? 'error' : '', reason || undefined);
});
