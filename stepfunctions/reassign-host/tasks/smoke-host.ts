import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import { smokeHost as work } from '../../../lib/reassignment/smoke.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Boots a server on the host and removes it. */
export const smokeHost = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (!reassignment.ended) await work(reassignment);
};

export const handler = task(smokeHost);
