import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { nameCopy } from '../../../lib/migration/server/snapshot.ts';
import { task } from '../../../lib/task.ts';

/** Says that the server has moved, and lets it go. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { item } = move;
  const destinationId = String(item.notes.booted);
  await move.once('finish', async (intent) => {
    await nameCopy(move);
    await runtime.plans.remember(item, destinationId, item.operation);
    const ids = { source_id: item.id, destination_id: destinationId };
    await move.tell(intent, 'server migrated', ids);
  });
  await runtime.plans.update(item, { state: 'ready', destinationId });
  await runtime.operations.unlock(item.operation, `server#source#${item.id}`);
});
