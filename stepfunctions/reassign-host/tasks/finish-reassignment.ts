import { finish } from '../../../lib/reassignment/finish.ts';
import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Ends the reassignment: the host shows as available in the destination. */
export const finishReassignment = async (
  runtime: Runtime,
  { operation }: TaskInput,
): Promise<void> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (!reassignment.ended) await finish(runtime, reassignment);
};

export const handler = task(finishReassignment);
