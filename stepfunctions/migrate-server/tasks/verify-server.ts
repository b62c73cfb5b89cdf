import { PumphouseError } from '../../../lib/domain/errors.ts';
import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { differencesBetween } from '../../../lib/migration/server/verify.ts';
import { getServer } from '../../../lib/resources/server.ts';
import { task } from '../../../lib/task.ts';

/** Proves, by reading both servers back, that the one that arrived is the one that left. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  await move.once('verify', async () => {
    const [mine, theirs] = await Promise.all([
      getServer(move.source, input.server),
      getServer(move.destination, String(move.item.notes.booted)),
    ]);
    const fields = await differencesBetween(move, mine, theirs);
    if (fields.length === 0) return;
    const said = `Server ${mine.name} arrived with another ${fields.join(', ')}`;
    throw new PumphouseError('ResourceFailed', said, { details: { fields } });
  });
});
