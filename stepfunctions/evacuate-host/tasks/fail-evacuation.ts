import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import { fail } from '../../../lib/evacuation/finish.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type Failure, reasonOf, type TaskInput, task } from '../../../lib/task.ts';

/** Enables the host again, if we disabled it, and ends the evacuation as an error. */
export const failEvacuation = async (
  runtime: Runtime,
  { operation, failure }: TaskInput & { failure?: Failure },
): Promise<void> => {
  const evacuation = await openEvacuation(runtime, operation);
  if (!evacuation.ended) await fail(runtime, evacuation, reasonOf(failure));
};

export const handler = task(failEvacuation);
