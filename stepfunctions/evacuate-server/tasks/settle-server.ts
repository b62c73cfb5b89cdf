import { settle } from '../../../lib/evacuation/arrival.ts';
import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { task } from '../../../lib/task.ts';

/** Suspends again what was suspended, says where the server is, and lets it go. */
export const settleServer = async (runtime: Runtime, input: JourneyInput): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (!journey.evacuation.ended) await settle(journey);
};

export const handler = task(settleServer);
