import { block } from '../../../lib/evacuation/block.ts';
import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Disables the host's nova-compute, so that nothing new lands on it. */
export const blockHost = async (runtime: Runtime, { operation }: TaskInput): Promise<void> => {
  const evacuation = await openEvacuation(runtime, operation);
  if (!evacuation.ended) await block(runtime, evacuation);
};

export const handler = task(blockHost);
