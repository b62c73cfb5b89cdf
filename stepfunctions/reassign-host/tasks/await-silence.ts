import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import { awaitSilence as work } from '../../../lib/reassignment/removal.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Waits until Nova misses the host. */
export const awaitSilence = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (!reassignment.ended) await work(reassignment);
};

export const handler = task(awaitSilence);
