import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import { liveMigrate } from '../../../lib/evacuation/live.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { task } from '../../../lib/task.ts';

/** Moves the server to another host while it runs. */
export const liveMigrateServer = async (runtime: Runtime, input: JourneyInput): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (!journey.evacuation.ended) await liveMigrate(journey);
};

export const handler = task(liveMigrateServer);
