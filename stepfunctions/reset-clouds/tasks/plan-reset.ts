import type { CloudName } from '../../../lib/domain/world.ts';
import { openClouds, refuseCompany } from '../../../lib/reset/outcome.ts';
import { openReset } from '../../../lib/reset/reset.ts';
import { namedClouds, refuseUnsafe } from '../../../lib/reset/survey.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { type TaskInput, task } from '../../../lib/task.ts';

/** Refuses, before anything is touched, where a reset is not enabled, not safe, or not alone. */
export const planReset = async (
  runtime: Runtime,
  { operation }: TaskInput,
): Promise<{ restore: boolean; clouds: CloudName[] }> => {
  const reset = await openReset(runtime, operation);
  const { prefix, clouds } = reset.input;
  if (!reset.ended) {
    await refuseCompany(runtime, reset);
    if (prefix !== undefined)
      for (const cloud of namedClouds(await runtime.clouds())) await refuseUnsafe(cloud, prefix);
    await openClouds(runtime, reset);
  }
  return { restore: prefix === undefined, clouds };
};

export const handler = task(planReset);
