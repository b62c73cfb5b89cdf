import { examine, type Finding } from '../../../lib/evacuation/examine.ts';
import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { task } from '../../../lib/task.ts';

/** Locks the server, waits until it is idle, notes its state, and says how it travels. */
export const examineServer = async (runtime: Runtime, input: JourneyInput): Promise<Finding> => {
  const journey = await openJourney(runtime, input);
  return journey.evacuation.ended ? 'nothing' : examine(journey);
};

export const handler = task(examineServer);
