import { giveUp } from '../../../lib/evacuation/arrival.ts';
import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** Tells of a server whose own state machine died without its last word. */
export const giveServerUp = async (
  runtime: Runtime,
  input: JourneyInput & { failure?: Failure },
): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (journey.evacuation.ended) return;
  await giveUp(journey, `its way could not be followed to its end: ${reasonOf(input.failure)}`);
};

export const handler = task(giveServerUp);
