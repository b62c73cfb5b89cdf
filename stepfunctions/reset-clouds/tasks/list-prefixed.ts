import type { CloudName } from '../../../lib/domain/world.ts';
import { listPrefixed as list } from '../../../lib/reset/clear.ts';
import { openReset } from '../../../lib/reset/reset.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Writes down what bears the prefix in one cloud. */
export const listPrefixed = async (
  runtime: Runtime,
  { operation, cloud }: TaskInput & { cloud: CloudName },
): Promise<void> => list(runtime, await openReset(runtime, operation), cloud);

export const handler = task(listPrefixed);
