import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import { removeHost as work } from '../../../lib/reassignment/removal.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Deletes what the source knows of the host, and reads back that nothing is left. */
export const removeHost = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (!reassignment.ended) await work(reassignment);
};

export const handler = task(removeHost);
