import { releaseAddresses, takeAddresses } from '../../../lib/migration/server/addresses.ts';
import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { task } from '../../../lib/task.ts';

/** Moves the server's floating addresses: released in the source first, so that none answers twice. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  await move.once('addresses', async (intent) => {
    await releaseAddresses(move, intent);
    await takeAddresses(move, intent);
  });
});
