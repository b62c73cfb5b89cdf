import { PumphouseError } from './domain/errors.ts';
import type { Clock } from './ports.ts';

export interface Watch {
  clock: Clock;
  /** How long this task watches by itself before it lets the state machine wait. */
  watchSeconds: number;
  /** When the wait began (ISO) and how many seconds it may last over all attempts. */
  since: string;
  deadlineSeconds: number;
  /** What is awaited, for the error: "server web-1 to be SUSPENDED". */
  what: string;
}

/** Milliseconds between two looks: short at first, then patient. */
const PAUSES = [100, 200, 400, 800, 1000, 2000];

/**
 * Looks until `probe` answers something. A bad state is the probe's to throw; it must know every
 * state that is neither good nor on its way there. Every attempt looks for `watchSeconds`, also one
 * that comes after the deadline because the service was down meanwhile.
 * @throws StillWaiting when this task has watched long enough: the state's `Retry` calls it again
 * @throws DeadlineExceeded when the whole wait has lasted too long
 */
export const watch = async <T>(wait: Watch, probe: () => Promise<T | undefined>): Promise<T> => {
  const { clock, what } = wait;
  const began = clock.now().getTime();
  for (let look = 0; ; look += 1) {
    const found = await probe();
    if (found !== undefined) return found;
    const now = clock.now().getTime();
    if (now - began > wait.watchSeconds * 1000) {
      const late = now - Date.parse(wait.since) > wait.deadlineSeconds * 1000;
      throw late
        ? new PumphouseError('DeadlineExceeded', `Waited ${wait.deadlineSeconds} s for ${what}`)
        : new PumphouseError('StillWaiting', `Still waiting for ${what}`);
    }
    await clock.sleep(PAUSES[Math.min(look, PAUSES.length - 1)] ?? 1000);
  }
};
