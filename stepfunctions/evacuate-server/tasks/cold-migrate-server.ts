import { coldMigrate } from '../../../lib/evacuation/cold.ts';
import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { task } from '../../../lib/task.ts';

/** Moves a server that is off to another host. */
export const coldMigrateServer = async (runtime: Runtime, input: JourneyInput): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (!journey.evacuation.ended) await coldMigrate(journey);
};

export const handler = task(coldMigrateServer);
