import { errorFields, log } from '../../../lib/log.ts';
import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { removeCopy, removeSnapshot } from '../../../lib/migration/server/snapshot.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** Says that the server has not moved and why, removes what was only made for its journey, lets it go. */
export const handler = task(async (runtime, input: ServerInput & { failure?: Failure }) => {
  const move = await openMove(runtime, input);
  const { item } = move;
  if (item.state === 'ready') return;
  const first = item.notes.failure ?? reasonOf(input.failure);
  const undone = !item.notes.booted || item.notes['undo boot done'];
  const reason = undone ? String(first) : `${first}; not undone: ${reasonOf(input.failure)}`;
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
});
