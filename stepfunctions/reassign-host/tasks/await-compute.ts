import { awaitCompute as work } from '../../../lib/reassignment/arrival.ts';
import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Waits until the destination's Nova has the host and has mapped it to a cell. */
export const awaitCompute = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (!reassignment.ended) await work(reassignment);
};

export const handler = task(awaitCompute);
