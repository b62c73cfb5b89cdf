/** Every minute: starts what was never started, closes what died. */
import { runtime } from '../lib/runtime.ts';
import { sweepOperations } from '../lib/sweep.ts';

export const handler = async (): Promise<void> => {
  await sweepOperations(runtime());
};
