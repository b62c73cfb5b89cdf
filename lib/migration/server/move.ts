/** One server on its way: everything that a step of `stepfunctions/migrate-server` needs to do its part. */
import { PumphouseError } from '../../domain/errors.ts';
import type { PlanItem, Reference } from '../../domain/plan.ts';
import { type Journal, openJournal } from '../../journal.ts';
import type { Cloud } from '../../ports.ts';
import type { Runtime } from '../../runtime.ts';
import { openTenantMove, type TenantMove } from '../tenant-move.ts';

/** What every step of the machine is handed: ids only. */
export interface ServerInput {
  operation: string;
  server: string;
}

export interface ServerMove extends TenantMove, Journal {
  /** The destination in the scope of the tenant: what is made there belongs to it. */
  tenantScope: Cloud;
  /** The tenant's id at the destination. */
  tenantId: string;
  /** The destination's id of something that the server needs. @throws ResourceNotFound */
  counterpart(type: string, sourceId: string): Promise<string>;
}

/** Opens the move of one server where its last step left it. */
export const openMove = async (
  runtime: Runtime,
  { operation: operationId, server }: ServerInput,
): Promise<ServerMove> => {
  const { plans } = runtime;
  const tenant = await openTenantMove(runtime, operationId);
  const { destination, operation } = tenant;
  const counterpart = async (type: string, id: string) => {
    const { destinationId } = await plans.get(operationId, { type, id } satisfies Reference);
    if (destinationId) return destinationId;
    throw new PumphouseError('ResourceNotFound', `${type} ${id} is not at the destination yet`);
  };
  const tenantId = await counterpart('tenant', operation.subject.id);
  const item = await plans.get(operationId, { type: 'server', id: server });
  return {
    ...tenant,
    ...openJournal(runtime, item, { prefix: `server:${server}/` }),
    ...{ tenantId, counterpart, tenantScope: destination.scopedTo(tenantId) },
  };
};

/**
 * Refuses a server whose needs were not met, before it is touched.
 * @throws ResourceFailed naming what failed
 */
export const needsOf = async ({ plans }: Runtime, item: PlanItem): Promise<void> => {
  const planned = await Promise.all(
    item.needs.map((need) => plans.get(item.operation, need).catch(() => undefined)),
  );
  const failed = planned.find((need) => need?.state === 'failed');
  if (!failed) return;
  const said = `Server ${item.label} needs ${failed.type} ${failed.label}: ${failed.reason}`;
  throw new PumphouseError('ResourceFailed', said);
};
