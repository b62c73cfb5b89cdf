import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import type { OperationStore } from '../ports.ts';

/** An operation by its id; one that has only just begun may stand among the running ones alone. */
export const findOperation = async (
  operations: Pick<OperationStore, 'get' | 'running'>,
  id: string,
): Promise<Operation> => {
  const known = await operations.get(id);
  const found = known ?? (await operations.running()).find((one) => one.id === id);
  if (found) return found;
  throw new PumphouseError('ResourceNotFound', `There is no operation ${id}`);
};
