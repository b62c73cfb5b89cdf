import { PumphouseError } from '../domain/errors.ts';
import type { EvacuationInput, Operation } from '../domain/operation.ts';
import { type Block, planHost } from '../evacuation/plan.ts';
import { beginOperation } from '../operations.ts';
import type { Runtime } from '../runtime.ts';
import { evacuationOptions } from './evacuation-input.ts';
import { operationId, sameRequest } from './operation-id.ts';
import { refuseRunning } from './plan-host.ts';

export interface EvacuateHost {
  /** The host's name. */
  hostId: string;
  /** As `evacuationInput` reads it from a body. */
  input: EvacuationInput;
  idempotencyKey?: string | undefined;
}

const answerOf = ({ id, kind, subject, state, input }: Operation) => ({
  ...{ id, kind, events: `/events/${id}` },
  ...{ host: { id: subject.id, name: subject.name }, state },
  ...evacuationOptions(input as unknown as EvacuationInput),
});

/** @throws PlanBlocked for want of room, ResourceConflict for what is wrong with the hosts */
const refuseBlocked = (blocks: readonly Block[]) => {
  const [first] = blocks;
  if (!first) return;
  const name = first.kind === 'room' ? 'PlanBlocked' : 'ResourceConflict';
  const said = blocks.map(({ reason }) => reason).join('. ');
  throw new PumphouseError(name, said, { details: { blocks } });
};

/**
 * Begins to empty a living host of the source: it is blocked, its servers are moved to other hosts,
 * each by the way that its state allows, and it stays blocked. With servers that cannot move it
 * becomes what it was.
 *
 * Idempotent by `idempotencyKey`: the same key answers the same operation.
 * @throws InvalidRequest with `details.field` for a target that is none, ResourceNotFound,
 * OperationInProgress, ResourceConflict when the host is down or the last one enabled, PlanBlocked
 * when the others have no room
 */
export const evacuateHost = async (
  runtime: Runtime,
  { hostId, input, idempotencyKey }: EvacuateHost,
): Promise<{ id: string; answer: Record<string, unknown> }> => {
  const id = operationId('evacuation', hostId, idempotencyKey);
  const known = idempotencyKey && (await runtime.operations.get(id));
  if (known) {
    sameRequest(known, { ...input });
    return { id, answer: answerOf(known) };
  }
  const { source } = await runtime.clouds();
  const { blocks } = await planHost(source, hostId, input);
  await refuseRunning(runtime, hostId);
  refuseBlocked(blocks);
  const operation = await beginOperation(runtime, {
    ...{ id, kind: 'evacuation', input: { ...input }, state: 'running' },
    subject: { type: 'host', cloud: 'source', id: hostId, name: hostId },
    createdAt: runtime.clock.now().toISOString(),
  });
  return { id, answer: answerOf(operation) };
};
