import { endReset } from '../../../lib/reset/outcome.ts';
import { openReset } from '../../../lib/reset/reset.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Ends the reset with a word for each cloud. */
export const finishReset = async (runtime: Runtime, { operation }: TaskInput): Promise<void> =>
  endReset(runtime, await openReset(runtime, operation));

export const handler = task(finishReset);
