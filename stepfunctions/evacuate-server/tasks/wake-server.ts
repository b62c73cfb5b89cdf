import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import { wake } from '../../../lib/evacuation/rest.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { task } from '../../../lib/task.ts';

/** Resumes a suspended server for its journey. */
export const wakeServer = async (runtime: Runtime, input: JourneyInput): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (!journey.evacuation.ended) await wake(journey);
};

export const handler = task(wakeServer);
