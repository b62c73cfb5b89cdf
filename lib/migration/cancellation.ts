/** A tenant's migration that is to stop begins nothing new; what is in hand goes to its end. */
import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import type { Clock, OperationStore } from '../ports.ts';

/** Milliseconds for which an answer holds: many small steps need not each ask. */
const HOLDS = 1000;

/** @throws OperationCancelled once somebody has asked for the operation to stop */
export const refuseCancelled = ({ cancelledAt }: Pick<Operation, 'cancelledAt'>): void => {
  if (cancelledAt === undefined) return;
  throw new PumphouseError('OperationCancelled', 'It was not begun: the migration was cancelled');
};

/**
 * Looks again and again whether the operation is to stop, at most every second.
 * @throws OperationCancelled (what it answers does)
 */
export const cancellation = (
  { operations, clock }: { operations: Pick<OperationStore, 'get'>; clock: Clock },
  id: string,
): (() => Promise<void>) => {
  let looked = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.now().getTime() - looked < HOLDS) return;
    looked = clock.now().getTime();
    refuseCancelled((await operations.get(id)) ?? {});
  };
};

/** The end of an operation in words: cancelled or not, and what has failed; nothing when all is well. */
export const endReason = (
  { cancelledAt }: Pick<Operation, 'cancelledAt'>,
  failures: readonly string[],
): string =>
  [...(cancelledAt === undefined ? [] : ['It was cancelled']), failures.join('; ')]
    .filter((sentence) => sentence !== '')
    .join('. ');
