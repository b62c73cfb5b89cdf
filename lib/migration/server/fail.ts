import { errorFields, log } from '../../log.ts';
import type { Runtime } from '../../runtime.ts';
import { openMove, type ServerInput } from './move.ts';
import { removeCopy, removeSnapshot } from './snapshot.ts';

/**
 * Says that the server has not moved and why, removes what was only made for its journey, and lets it
 * go. Where the new server could not be removed, nothing else is: somebody has to look.
 */
export const failServer = async (
  runtime: Runtime,
  input: ServerInput,
  why: string,
): Promise<void> => {
  const move = await openMove(runtime, input);
  const { item } = move;
  if (item.state !== 'planned') return;
  const undone = !item.notes.booted || item.notes['undo boot done'] === true;
  const first = String(item.notes.failure ?? why);
  const reason = undone || first === why ? first : `${first}; and its undo: ${why}`;
  await move.once('fail', async (intent) => {
    if (undone) {
      const clean = [removeSnapshot(move, intent), removeCopy(move, intent)];
      for (const one of await Promise.allSettled(clean)) {
        if (one.status === 'rejected') log.warn('an image is left', errorFields(one.reason));
      }
    }
    const data = { id: item.id, cloud: 'source', name: item.label, reason };
    await move.tell(intent, 'server migration failed', data);
  });
  await runtime.plans.update(item, { state: 'failed', reason });
  await runtime.operations.unlock(item.operation, `server#source#${item.id}`);
};
