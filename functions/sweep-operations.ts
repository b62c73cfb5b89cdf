/** Every minute: starts what was never started, closes what died, serves what was due and was not. */
import { closing } from '../lib/closing.ts';
import { runtime } from '../lib/runtime.ts';
import { sweepOperations } from '../lib/sweep.ts';
import { sweepSchedules } from '../lib/sweep-schedules.ts';

export const handler = async (): Promise<void> => {
  const sweeping = [sweepOperations(runtime(), closing(runtime())), sweepSchedules(runtime())];
  const failed = (await Promise.allSettled(sweeping)).filter(({ status }) => status === 'rejected');
  if (failed.length > 0) throw new AggregateError(failed, 'Not everything could be swept');
};
