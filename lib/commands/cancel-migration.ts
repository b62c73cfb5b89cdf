import { PumphouseError } from '../domain/errors.ts';
import type { Operation, OperationKind } from '../domain/operation.ts';
import type { OperationStore } from '../ports.ts';
import { findOperation } from './find-operation.ts';
import { operationAnswer } from './operation-answer.ts';

/** Kinds that look, step by step, whether they are to stop. */
const CANCELLABLE: readonly OperationKind[] = ['migration', 'evacuation'];

const refuse = ({ id }: Operation, said: string) =>
  new PumphouseError('ResourceConflict', said, {
    details: { operation: id, events: `/events/${id}` },
  });

/**
 * Asks a running operation to stop: the step in hand is finished or undone, nothing new is begun, and
 * its last event says that it was cancelled. Answers at once; the stream tells when it is over.
 *
 * Idempotent: the first request holds.
 * @throws ResourceNotFound, ResourceConflict when it has ended, or is of a kind that cannot be stopped
 */
export const cancelMigration = async (
  { operations }: { operations: OperationStore },
  id: string,
): Promise<Record<string, unknown>> => {
  const known = await findOperation(operations, id);
  if (known.state === 'running' && !CANCELLABLE.includes(known.kind)) {
    throw refuse(known, `A ${known.kind} cannot be cancelled`);
  }
  // One that died between its lock and its own item gets that item now.
  const cancelled = (await operations.cancel(id)) ?? (await written(operations, known));
  if (cancelled.state !== 'ended') return operationAnswer(cancelled);
  throw refuse(cancelled, `This ${cancelled.kind} has ended; there is nothing to cancel`);
};

const written = async (operations: OperationStore, operation: Operation): Promise<Operation> => {
  const begun = await operations.begin(operation);
  return (await operations.cancel(operation.id)) ?? begun;
};
