/** What a reset may touch: everything that bears its prefix, and nothing else. */
import { PumphouseError } from './errors.ts';
import type { Workload } from './workload.ts';
import type { CloudName } from './world.ts';

/** How the clouds are to be reset; settled when the request is taken, kept with the operation. */
export interface ResetInput {
  clouds: CloudName[];
  /** Absent where simulated clouds are brought back to what they were seeded with. */
  prefix?: string;
  /** What the source is populated with. */
  workload?: Workload;
}

/**
 * The prefix, or a sentence about what is wrong with it. Four characters, since what bears a shorter
 * one may well be somebody's; no others than those that every kind of name may have.
 */
export const prefixFault = (prefix: string): string | undefined =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{3,39}$/.test(prefix)
    ? undefined
    : 'takes 4 to 40 letters, digits, dots, dashes and underscores';

/** @throws InvalidRequest for a prefix that would not be safe */
export const checkedPrefix = (prefix: string, what: string): string => {
  const fault = prefixFault(prefix);
  if (fault) throw new PumphouseError('InvalidRequest', `${what} is ${prefix}; it ${fault}`);
  return prefix;
};
