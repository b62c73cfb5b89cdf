import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import { finish } from '../../../lib/evacuation/finish.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Ends the evacuation: an empty host stays blocked, one with servers left becomes what it was. */
export const finishEvacuation = async (
  runtime: Runtime,
  { operation }: TaskInput,
): Promise<void> => {
  const evacuation = await openEvacuation(runtime, operation);
  if (!evacuation.ended) await finish(runtime, evacuation);
};

export const handler = task(finishEvacuation);
