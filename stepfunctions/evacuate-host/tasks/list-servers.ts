import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import { nextRound, type Round } from '../../../lib/evacuation/rounds.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Looks at what is on the host now, and says which servers leave it next, or what else is to be done. */
export const listServers = async (runtime: Runtime, { operation }: TaskInput): Promise<Round> =>
  nextRound(runtime, await openEvacuation(runtime, operation));

export const handler = task(listServers);
