import { findBooted, returnKey } from '../../../lib/migration/server/boot.ts';
import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { deleteServer } from '../../../lib/migration/server/states.ts';
import { getServer } from '../../../lib/resources/server.ts';
import { task } from '../../../lib/task.ts';

/**
 * Removes what was booted at the destination and watches until it is gone: only then may the source
 * wake, since two owners of one address must never run at once.
 */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { item, destination } = move;
  await move.once('undo boot', async (intent) => {
    if (!item.intents.boot) return;
    const id = item.notes.booted ?? (await findBooted(move))?.id;
    if (id) {
      await deleteServer(move, intent, destination, String(id), () =>
        move.tell(intent, 'server terminate', { id, cloud: 'destination' }, 'undo boot'),
      );
    }
    const { key_name } = await getServer(move.source, item.id);
    await returnKey(runtime, move, key_name);
  });
});
