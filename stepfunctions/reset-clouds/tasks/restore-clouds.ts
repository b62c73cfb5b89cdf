import { openReset } from '../../../lib/reset/reset.ts';
import { restoreClouds as restore } from '../../../lib/reset/restore.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Brings simulated clouds back to what they were seeded with. */
export const restoreClouds = async (runtime: Runtime, { operation }: TaskInput): Promise<void> =>
  restore(runtime, await openReset(runtime, operation));

export const handler = task(restoreClouds);
