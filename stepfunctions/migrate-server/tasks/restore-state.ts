import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { ACTIONS, bring } from '../../../lib/migration/server/states.ts';
import { task } from '../../../lib/task.ts';

/** Gives the server at the destination the state that its source was found in: what was off arrives off. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { item, destination: cloud } = move;
  await move.once('restore', async (intent) => {
    const [id, to] = [String(item.notes.booted), String(item.notes.state)];
    const action = ACTIONS[to]?.take;
    if (action) await bring(move, intent, { cloud, id, from: 'ACTIVE', to, action });
    const state = to.toLowerCase();
    const ids = { id, cloud: 'destination', source_id: item.id };
    await move.tell(intent, 'server verified', { ...ids, status: state });
  });
});
