/**
 * Looks after operations that nobody looks after any more: what is written but was never started is
 * started, what died is closed with its last event. The lock item is the operation, so none is lost.
 */
import { isUnbegun } from './domain/lifecycle.ts';
import { executionOf, type Operation, type OperationKind } from './domain/operation.ts';
import { errorFields, log } from './log.ts';
import { endOperation, type OperationPorts, resumeOperation } from './operations.ts';
import type { Clock } from './ports.ts';

/** Seconds in which an operation is its own request's business. */
const FRESH_SECONDS = 30;

export type SweepPorts = OperationPorts & { clock: Clock };

/** What was done about an operation: nothing, or what it takes to have it end. */
export type Sweeping = 'left' | 'started' | 'closed';

const DIED =
  'The workflow ended before the operation did; what it was doing is left as it stands. See the log, then send the request again.';

/** What it takes to end an operation of a kind whose death leaves more behind than its lock. */
export type Closing = Partial<
  Record<OperationKind, (operation: Operation, reason: string) => Promise<unknown>>
>;

const close = async (
  ports: OperationPorts,
  operation: Operation,
  reason: string,
  closing: Closing = {},
) => {
  await ports.operations.begin(operation);
  const end = closing[operation.kind];
  if (end) await end(operation, reason);
  else await endOperation(ports, operation.id, 'error', reason);
  return 'closed' as const;
};

const sweepOperation = async (
  ports: SweepPorts,
  operation: Operation,
  closing: Closing,
): Promise<Sweeping> => {
  const { operations, workflows, clock } = ports;
  const known = await operations.get(operation.id);
  if (known?.state === 'ended') {
    await operations.end(operation, known.status ?? 'error', known.reason);
    return 'closed';
  }
  const ageSeconds = (clock.now().getTime() - Date.parse(operation.createdAt)) / 1000;
  if (ageSeconds < FRESH_SECONDS) return 'left';
  if (isUnbegun(operation)) return close(ports, operation, String(operation.input.reason));
  if (known?.waiting) return 'left';
  const status = await workflows.status(known ?? operation);
  if (status === 'running') return 'left';
  if (status !== 'absent') return close(ports, operation, DIED, closing);
  await resumeOperation(ports, operation);
  return 'started';
};

/**
 * Sweeps every running operation and answers what was done, by id; meant for every minute.
 *
 * Idempotent, and harmless beside the operations' own work. One that cannot be swept does not keep
 * the others waiting.
 * @param closing how the dead of each kind are closed, where that is more than their last event
 * @throws AggregateError of what went wrong, after all have been looked at
 */
export const sweepOperations = async (
  ports: SweepPorts,
  closing: Closing = {},
): Promise<Map<string, Sweeping>> => {
  const swept = new Map<string, Sweeping>();
  const errors: unknown[] = [];
  for (const operation of await ports.operations.running()) {
    try {
      const done = await sweepOperation(ports, operation, closing);
      swept.set(operation.id, done);
      if (done !== 'left') log.warn(`the sweeper has ${done} it`, { operation: operation.id });
    } catch (error) {
      errors.push(error);
      log.error('it cannot be swept', { operation: operation.id, ...errorFields(error) });
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'Some operations cannot be swept');
  return swept;
};

/**
 * Closes at once the operation of an execution that is known to have died; the sweeper would a minute later.
 *
 * Idempotent. An execution that is not the one its operation is at says nothing of it: there is a
 * later turn, or a person has to begin one.
 * @param name of the execution
 */
export const closeDead = async (
  ports: OperationPorts,
  { operation: id, name }: { operation: string; name: string },
  closing: Closing = {},
): Promise<Sweeping> => {
  const operation = await ports.operations.get(id);
  if (!operation || operation.state === 'ended' || operation.waiting) return 'left';
  if (executionOf(operation) !== name) return 'left';
  return close(ports, operation, DIED, closing);
};
