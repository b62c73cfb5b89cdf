/** Every minute: starts what was never started, closes what died, serves what was due and was not. */
import { closeEvacuation } from '../lib/evacuation/finish.ts';
import { closeReassignment } from '../lib/reassignment/finish.ts';
import { runtime } from '../lib/runtime.ts';
import { sweepOperations } from '../lib/sweep.ts';
import { sweepSchedules } from '../lib/sweep-schedules.ts';

export const handler = async (): Promise<void> => {
  const sweeping = [
    sweepOperations(runtime(), {
      evacuation: ({ id }, reason) => closeEvacuation(runtime(), id, reason),
      reassignment: ({ id }, reason) => closeReassignment(runtime(), id, reason),
    }),
    sweepSchedules(runtime()),
  ];
  const failed = (await Promise.allSettled(sweeping)).filter(({ status }) => status === 'rejected');
  if (failed.length > 0) throw new AggregateError(failed, 'Not everything could be swept');
};
