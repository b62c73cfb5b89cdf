import { openEvacuation } from '../../../lib/evacuation/evacuation.ts';
import { listServers as list } from '../../../lib/evacuation/finish.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Answers the ids of the servers that have to leave. */
export const listServers = async (runtime: Runtime, { operation }: TaskInput) => {
  const evacuation = await openEvacuation(runtime, operation);
  return { servers: evacuation.ended ? [] : await list(runtime, evacuation) };
};

export const handler = task(listServers);
