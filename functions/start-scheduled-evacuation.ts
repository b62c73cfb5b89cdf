/** Called by EventBridge Scheduler at each due time of a schedule, at least once. */
import { type Due, startScheduledEvacuation } from '../lib/commands/start-scheduled-evacuation.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = async (due: Due): Promise<void> => {
  await startScheduledEvacuation(runtime(), due);
};
