import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { takeSnapshot } from '../../../lib/migration/server/snapshot.ts';
import { task } from '../../../lib/task.ts';

/** Takes a snapshot of the quiet server: an image with its disk as it is now. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  await move.once('snapshot', async (intent) => {
    const { id, name } = await takeSnapshot(move, intent);
    const data = { id, cloud: 'source', name, server_id: move.item.id };
    await move.tell(intent, 'image created', data, 'snapshot');
  });
});
