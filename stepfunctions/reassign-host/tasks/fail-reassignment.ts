import { fail } from '../../../lib/reassignment/finish.ts';
import { openReassignment } from '../../../lib/reassignment/reassignment.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type Failure, reasonOf, type TaskInput, task } from '../../../lib/task.ts';

/** Undoes what can be undone and ends the reassignment as an error. */
export const failReassignment = async (
  runtime: Runtime,
  { operation, failure }: TaskInput & { failure?: Failure },
): Promise<void> => {
  const reassignment = await openReassignment(runtime, operation);
  if (!reassignment.ended) await fail(runtime, reassignment, reasonOf(failure));
};

export const handler = task(failReassignment);
