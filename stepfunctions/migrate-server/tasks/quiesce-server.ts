import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { ACTIONS, bring } from '../../../lib/migration/server/states.ts';
import { task } from '../../../lib/task.ts';

/** The state that each way of quiescing leads to; what is not ACTIVE stays as it is (decision 2.3). */
const STATES = { suspend: 'SUSPENDED', stop: 'SHUTOFF', none: undefined } as const;

/** Brings the source server to rest, so that its disk stands still and its address is free to move. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { item, source: cloud } = move;
  const to = STATES[move.input.quiesce];
  if (!to || item.notes.state !== 'ACTIVE') return;
  await move.once('quiesce', async (intent) => {
    await move.note({ quiesced: to });
    const action = ACTIONS[to]?.take ?? '';
    await bring(move, intent, { cloud, id: item.id, from: 'ACTIVE', to, action });
    const name = to === 'SUSPENDED' ? 'server suspended' : 'server stopped';
    await move.tell(intent, name, { id: item.id, cloud: 'source' });
  });
});
