import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { removeSnapshot } from '../../../lib/migration/server/snapshot.ts';
import { deleteServer } from '../../../lib/migration/server/states.ts';
import { task } from '../../../lib/task.ts';

/**
 * The point of no return: deletes the source server, which is proven to live at the destination, and
 * the snapshot it travelled by. With `finalize: manual` the quiet source stays (decision 2.2).
 */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { source, item } = move;
  await move.once('snapshot removal', (intent) => removeSnapshot(move, intent));
  await move.once('terminate', async (intent) => {
    if (move.input.finalize === 'manual') return;
    await deleteServer(move, intent, source, item.id, () =>
      move.tell(intent, 'server terminate', { id: item.id, cloud: 'source' }),
    );
  });
});
