import { confirm } from '../../../lib/evacuation/cold.ts';
import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { task } from '../../../lib/task.ts';

/** Confirms a cold move, so that the server is off again, and on one host alone. */
export const confirmServer = async (runtime: Runtime, input: JourneyInput): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (!journey.evacuation.ended) await confirm(journey);
};

export const handler = task(confirmServer);
