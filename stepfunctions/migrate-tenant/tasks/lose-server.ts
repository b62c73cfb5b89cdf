import { failServer } from '../../../lib/migration/server/fail.ts';
import type { ServerInput } from '../../../lib/migration/server/move.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** Ends the move of a server whose own state machine died without its last word. */
export const handler = task((runtime, input: ServerInput & { failure: Failure }) =>
  failServer(runtime, input, `its state machine died: ${reasonOf(input.failure)}`),
);
