/** Begins and ends operations: each of both is several writes, in an order that a death in between cannot spoil. */
import { PumphouseError } from './domain/errors.ts';
import { closingEvents, firstEvent, isUnbegun } from './domain/lifecycle.ts';
import { type Operation, operationInProgress } from './domain/operation.ts';
import { errorFields, log } from './log.ts';
import type { EventStore, OperationStore, Workflows, WorldStore } from './ports.ts';
import { record } from './record.ts';

/** What beginning and ending take; a `Runtime` has all of it. */
export interface OperationPorts {
  operations: OperationStore;
  events: EventStore;
  world: WorldStore;
  workflows: Workflows;
}

/** @throws ResourceNotFound when there is no such operation */
export const getOperation = async (
  { operations }: Pick<OperationPorts, 'operations'>,
  id: string,
): Promise<Operation> => {
  const operation = await operations.get(id);
  if (operation) return operation;
  throw new PumphouseError('ResourceNotFound', `There is no operation ${id}`);
};

const openStream = (ports: OperationPorts, operation: Operation) =>
  record(ports, { operation: operation.id, ...firstEvent(operation) });

/**
 * Takes up an operation that was written down but may not have been started.
 *
 * Idempotent. What the machine's own service answers when it cannot start comes through.
 */
export const resumeOperation = async (ports: OperationPorts, operation: Operation) => {
  const begun = await ports.operations.begin(operation);
  if (begun.state === 'ended') return;
  await openStream(ports, begun);
  if (!isUnbegun(begun)) await ports.workflows.start(begun);
};

/** A reset is about everything: while it runs, nothing else is begun. */
const refuseDuringReset = async ({ operations }: OperationPorts, { id, kind }: Operation) => {
  if (kind === 'reset') return;
  const reset = (await operations.running()).find((one) => one.kind === 'reset');
  if (!reset || (await operations.get(id))) return;
  throw operationInProgress(reset, 'Both clouds are being reset');
};

/**
 * Begins an operation: takes its subject, opens its stream, starts its machine.
 *
 * Idempotent by the operation's id: one that runs is answered as it is, and what was left undone is
 * done; one that has ended is answered as it ended. A machine that cannot be started now is started
 * by the sweeper within the minute, since from the lock on the operation exists.
 * @throws OperationInProgress with `details.operation` when another one holds the subject, or a reset runs
 */
export const beginOperation = async (
  ports: OperationPorts,
  operation: Operation,
): Promise<Operation> => {
  await refuseDuringReset(ports, operation);
  const begun = await ports.operations.begin(operation);
  if (begun.state === 'ended') return begun;
  await openStream(ports, begun);
  if (!isUnbegun(begun)) {
    await ports.workflows.start(begun).catch((error: unknown) => {
      log.warn('the sweeper will start it', { operation: begun.id, ...errorFields(error) });
    });
  }
  return begun;
};

/**
 * Ends an operation: closes its stream with the last event of its kind, then lets its subject go.
 *
 * Idempotent: the first end holds, whatever a later one says; both answer how it ended.
 * @throws ResourceNotFound when there is no such operation
 */
export const endOperation = async (
  ports: Omit<OperationPorts, 'workflows'>,
  operationId: string,
  status: '' | 'error',
  reason?: string,
): Promise<{ status: '' | 'error'; reason?: string }> => {
  const operation = await getOperation(ports, operationId);
  let ended: '' | 'error' = '';
  const reasons = new Set<string>();
  for (const event of closingEvents(operation, status, reason)) {
    const { data: told } = await record(ports, { operation: operationId, ...event });
    if (told.status === 'error') ended = 'error';
    if (typeof told.reason === 'string') reasons.add(told.reason);
  }
  const said = [...reasons].join('; ');
  const outcome = { status: ended, ...(said && { reason: said }) };
  await ports.operations.end(operation, outcome.status, outcome.reason);
  return outcome;
};
