import { returnAddresses } from '../../../lib/migration/server/addresses.ts';
import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** First step of the undo: remembers why, then gives the floating addresses back to the source. */
export const handler = task(async (runtime, input: ServerInput & { failure: Failure }) => {
  const move = await openMove(runtime, input);
  if (!move.item.notes.failure) await move.note({ failure: reasonOf(input.failure) });
  await move.once('undo addresses', (intent) => returnAddresses(move, intent));
});
