import { errorFields, log } from '../../../lib/log.ts';
import { endReason } from '../../../lib/migration/cancellation.ts';
import { revokeGrant } from '../../../lib/migration/grant.ts';
import { openTenantMove } from '../../../lib/migration/tenant-move.ts';
import { endOperation } from '../../../lib/operations.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** Ends an operation that could not go on. Nothing on the source has been touched that was not undone. */
export const handler = task(async (runtime, input: { operation: string; failure: Failure }) => {
  const { operation } = input;
  try {
    const { destination } = await openTenantMove(runtime, operation);
    await revokeGrant(destination, runtime.plans, operation);
  } catch (error) {
    log.warn('our role in the tenant is left', errorFields(error));
  }
  const known = (await runtime.operations.get(operation)) ?? {};
  const reason = endReason(known, [reasonOf(input.failure)]);
  await endOperation(runtime, operation, 'error', reason);
});
