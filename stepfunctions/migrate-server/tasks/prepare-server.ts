import { PumphouseError } from '../../../lib/domain/errors.ts';
import { refuseCancelled } from '../../../lib/migration/cancellation.ts';
import { needsOf, openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { isBusy } from '../../../lib/migration/server/states.ts';
import { getServer, MOVABLE } from '../../../lib/resources/server.ts';
import { task } from '../../../lib/task.ts';

/** Seconds that a server may be held by another operation. */
const LOCK_SECONDS = 3600;

/**
 * Locks the server for this operation, refuses it untouched if its state is none to move from or the
 * operation was cancelled, and remembers that state. A server whose move has failed before fails again, so that it is undone to
 * the end and never begun anew.
 */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  const { item, source } = move;
  if (item.state !== 'planned') return { moved: true };
  if (item.notes.failure) throw new PumphouseError('ResourceFailed', String(item.notes.failure));
  await move.once('prepare', async (intent) => {
    refuseCancelled(move.operation);
    const lock = async () =>
      (await runtime.operations.lock(item.operation, `server#source#${item.id}`)) || undefined;
    await move.until(intent, `server ${item.label} to be let go`, LOCK_SECONDS, lock);
    await needsOf(runtime, item);
    const server = await getServer(source, item.id);
    if (!MOVABLE.includes(server.status) || isBusy(server)) {
      const task = server['OS-EXT-STS:task_state'];
      const state = task ? `${server.status} (${task})` : server.status;
      throw new PumphouseError('ResourceFailed', `Server ${server.name} is ${state}: left alone`);
    }
    await move.note({ state: server.status });
    await move.tell(intent, 'server migrate', { id: item.id });
  });
  return { moved: false, strategy: move.input.strategy };
});
