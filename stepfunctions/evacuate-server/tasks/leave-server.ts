import { leave } from '../../../lib/evacuation/arrival.ts';
import { type JourneyInput, openJourney } from '../../../lib/evacuation/journey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type Failure, reasonOf, task } from '../../../lib/task.ts';

/** Undoes what was begun of a journey that has failed, tells why, and lets the server go. */
export const leaveServer = async (
  runtime: Runtime,
  input: JourneyInput & { failure?: Failure },
): Promise<void> => {
  const journey = await openJourney(runtime, input);
  if (!journey.evacuation.ended) await leave(journey, reasonOf(input.failure));
};

export const handler = task(leaveServer);
