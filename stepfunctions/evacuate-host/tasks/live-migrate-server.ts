import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import { liveMigrate } from '../../../lib/evacuation/live-migrate.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Moves one server to another host while it runs, or tells why it cannot. */
export const liveMigrateServer = async (
  runtime: Runtime,
  { operation, server }: TaskInput & { server: string },
): Promise<void> => {
  const evacuation = await openEvacuation(runtime, operation);
  if (!evacuation.ended) await liveMigrate(runtime, evacuation, server);
};

export const handler = task(liveMigrateServer);
