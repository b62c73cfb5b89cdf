import { populateSource as populate } from '../../../lib/reset/populate.ts';
import { openReset } from '../../../lib/reset/reset.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Makes the workload, wave by wave; calls itself again through StillWaiting until all stands. */
export const populateSource = async (runtime: Runtime, { operation }: TaskInput): Promise<void> =>
  populate(runtime, await openReset(runtime, operation));

export const handler = task(populateSource);
