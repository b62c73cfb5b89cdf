import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { copySnapshot } from '../../../lib/migration/server/snapshot.ts';
import { task } from '../../../lib/task.ts';

/** Copies the snapshot's bytes into an image of the tenant at the destination, and proves them. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  await move.once('copy', async (intent) => {
    await copySnapshot(move, intent);
  });
});
