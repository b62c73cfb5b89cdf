import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { ACTIONS, bring } from '../../../lib/migration/server/states.ts';
import { task } from '../../../lib/task.ts';

/** Wakes the source server again, if it was this migration that brought it to rest. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { item, source: cloud } = move;
  const from = String(item.notes.quiesced ?? '');
  if (!from) return;
  await move.once('undo quiesce', async (intent) => {
    const action = ACTIONS[from]?.leave ?? '';
    await bring(move, intent, { cloud, id: item.id, from, to: 'ACTIVE', action });
    await move.tell(intent, 'server resumed', { id: item.id, cloud: 'source' });
  });
});
