/** Works a set off in passes: one that cannot be done yet does not keep the others. */
import { isError, PumphouseError } from '../domain/errors.ts';
import { each } from '../each.ts';
import type { Clock } from '../ports.ts';
import { watch } from '../watch.ts';

/** Objects that are worked on at once. */
const AT_ONCE = 8;

/** Reasons that are told of a set that could not be done. */
const TOLD = 5;

export interface Work {
  clock: Clock;
  watchSeconds: number;
  /** When the set was begun with (ISO), and the seconds after which what is left of it has failed. */
  since: string;
  deadlineSeconds: number;
  /** When this task's turn is over, in milliseconds of the clock. */
  turnEnds: number;
  /** What is done: "removing ports in the source". */
  what: string;
}

/**
 * @param attempt answers why one is not done yet, or nothing when it is
 * @throws StillWaiting when the turn is over and there is more
 * @throws ResourceFailed with the last reasons, once it has lasted too long
 */
export const workOff = async <T>(
  work: Work,
  items: readonly T[],
  attempt: (item: T) => Promise<string | undefined>,
): Promise<void> => {
  const { clock, turnEnds, what } = work;
  let left = items.map((item) => ({ item, reason: '' }));
  const one = async ({ item }: { item: T }) => {
    if (clock.now().getTime() > turnEnds)
      throw new PumphouseError('StillWaiting', `There is more of ${what}`);
    return { item, reason: await attempt(item) };
  };
  const pass = async () => {
    const tried = await each(left, AT_ONCE, one);
    left = tried.flatMap(({ item, reason }) => (reason === undefined ? [] : [{ item, reason }]));
    return left.length === 0 || undefined;
  };
  try {
    await watch(work, pass);
  } catch (error) {
    if (!isError(error, 'DeadlineExceeded')) throw error;
    const reasons = [...new Set(left.map(({ reason }) => reason))];
    const more = reasons.length > TOLD ? `; and ${reasons.length - TOLD} more` : '';
    const said = `${what}: ${reasons.slice(0, TOLD).join('; ')}${more}`;
    throw new PumphouseError('ResourceFailed', said);
  }
};
