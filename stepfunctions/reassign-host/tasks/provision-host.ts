import { provision } from '../../../lib/reassignment/installation.ts';
import type { Led } from '../../../lib/reassignment/progress.ts';
import { continueReassignment } from '../../../lib/reassignment/reassignment.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Has the host installed for the destination; says whether a person is waited for. */
export const provisionHost = async (
  runtime: Runtime,
  { operation, execution }: TaskInput & { execution: string },
): Promise<Led> => {
  const reassignment = await continueReassignment(runtime, operation);
  if (reassignment.ended) return { waiting: true };
  return provision(runtime, reassignment, execution);
};

export const handler = task(provisionHost);
