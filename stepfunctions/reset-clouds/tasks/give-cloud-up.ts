import type { CloudName } from '../../../lib/domain/world.ts';
import { giveCloudUp as giveUp } from '../../../lib/reset/outcome.ts';
import { openReset } from '../../../lib/reset/reset.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type Failure, reasonOf, type TaskInput, task } from '../../../lib/task.ts';

/** Notes why one cloud could not be cleared; the other one goes on. */
export const giveCloudUp = async (
  runtime: Runtime,
  { operation, cloud, failure }: TaskInput & { cloud: CloudName; failure?: Failure },
): Promise<void> => giveUp(runtime, await openReset(runtime, operation), cloud, reasonOf(failure));

export const handler = task(giveCloudUp);
