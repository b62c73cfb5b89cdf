import { failReset as fail } from '../../../lib/reset/outcome.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type Failure, reasonOf, type TaskInput, task } from '../../../lib/task.ts';

/** Ends a reset that could not go on; what it has taken away or made stays so, and a repeat goes on. */
export const failReset = (
  runtime: Runtime,
  { operation, failure }: TaskInput & { failure?: Failure },
): Promise<void> => fail(runtime, operation, reasonOf(failure));

export const handler = task(failReset);
