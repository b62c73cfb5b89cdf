import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import { openAgain } from '../../../lib/evacuation/rounds.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Enables the host again, so that the servers that have left it can come back. */
export const openHost = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const evacuation = await openEvacuation(runtime, operation);
  if (!evacuation.ended) await openAgain(runtime, evacuation);
};

export const handler = task(openHost);
