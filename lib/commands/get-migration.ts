import type { OperationStore, PlanStore } from '../ports.ts';
import { findOperation } from './find-operation.ts';
import { operationWhole } from './operation-answer.ts';

/**
 * One operation of whatever kind, with the state of every server in it.
 * @throws ResourceNotFound
 */
export const getMigration = async (
  { operations, plans }: { operations: OperationStore; plans: PlanStore },
  id: string,
): Promise<object> => operationWhole(await findOperation(operations, id), await plans.list(id));
