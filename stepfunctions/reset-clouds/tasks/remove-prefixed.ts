import type { CloudName } from '../../../lib/domain/world.ts';
import { removePrefixed as remove } from '../../../lib/reset/clear.ts';
import { openReset } from '../../../lib/reset/reset.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Takes it away, wave by wave; calls itself again through StillWaiting until all has gone. */
export const removePrefixed = async (
  runtime: Runtime,
  { operation, cloud }: TaskInput & { cloud: CloudName },
): Promise<void> => remove(runtime, await openReset(runtime, operation), cloud);

export const handler = task(removePrefixed);
