/** One server on its way: everything that a step of `stepfunctions/migrate-server` needs to do its part. */
import { PumphouseError } from '../../domain/errors.ts';
import type { EventData, EventName } from '../../domain/event.ts';
import type { Intent, PlanItem, Reference } from '../../domain/plan.ts';
import type { Cloud } from '../../ports.ts';
import { record } from '../../record.ts';
import type { Runtime } from '../../runtime.ts';
import { openTenantMove, type TenantMove } from '../tenant-move.ts';
import { watch } from '../watch.ts';

/** What every step of the machine is handed: ids only. */
export interface ServerInput {
  operation: string;
  server: string;
}

export interface ServerMove extends TenantMove {
  /** The destination in the scope of the tenant: what is made there belongs to it. */
  tenantScope: Cloud;
  /** The tenant's id at the destination. */
  tenantId: string;
  item: PlanItem;
  /** The destination's id of something that the server needs. @throws ResourceNotFound */
  counterpart(type: string, sourceId: string): Promise<string>;
  /** Does a step's work and notes that it is done; a repeat passes over what is done. */
  once(step: string, work: (intent: Intent) => Promise<void>): Promise<void>;
  /** Keeps something for later steps and attempts. */
  note(notes: PlanItem['notes']): Promise<void>;
  /** Records an event of this server, once per step. */
  tell(intent: Intent, name: EventName, data: EventData, step?: string): Promise<void>;
  /** Waits within the step's deadline. See `watch`. */
  until<T>(
    intent: Intent,
    what: string,
    seconds: number,
    probe: () => Promise<T | undefined>,
  ): Promise<T>;
}

/** Opens the move of one server where its last step left it. */
export const openMove = async (
  runtime: Runtime,
  { operation: operationId, server }: ServerInput,
): Promise<ServerMove> => {
  const { plans, clock, config } = runtime;
  const tenant = await openTenantMove(runtime, operationId);
  const { destination, operation } = tenant;
  const counterpart = async (type: string, id: string) => {
    const { destinationId } = await plans.get(operationId, { type, id } satisfies Reference);
    if (destinationId) return destinationId;
    throw new PumphouseError('ResourceNotFound', `${type} ${id} is not at the destination yet`);
  };
  const tenantId = await counterpart('tenant', operation.subject.id);
  const item = await plans.get(operationId, { type: 'server', id: server });
  const move: ServerMove = {
    ...tenant,
    ...{ tenantId, item, counterpart },
    tenantScope: destination.scopedTo(tenantId),
    async once(step, work) {
      const done = `${step} done`;
      if (item.notes[done]) return;
      await work(await plans.intend(item, step));
      await move.note({ [done]: true });
    },
    async note(notes) {
      Object.assign(item, await plans.update(item, { notes }));
    },
    async tell({ tail: after }, name, data, step = name) {
      const key = `server:${server}/${step}`;
      await record(runtime, { operation: operationId, step: key, name, data, after });
    },
    until: ({ at: since }, what, deadlineSeconds, probe) => {
      const { watchSeconds } = config;
      return watch({ clock, watchSeconds, since, deadlineSeconds, what }, probe);
    },
  };
  return move;
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
