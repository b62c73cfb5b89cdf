import { admitHost as work } from '../../../lib/reassignment/arrival.ts';
import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Enables the host, in the isolating aggregate where there is one. */
export const admitHost = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (!reassignment.ended) await work(reassignment);
};

export const handler = task(admitHost);
