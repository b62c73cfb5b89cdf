/**
 * Who installs a host in its new cloud. A provisioner keeps no state of its own: each call looks at
 * what is there, asks for the next thing where nothing is on its way, and answers how far it is. So it
 * can be called again at any time, and after any death.
 */
import { PumphouseError } from '../domain/errors.ts';
import type { ReassignmentInput } from '../domain/operation.ts';
import type { PlanItem } from '../domain/plan.ts';
import type { Cloud } from '../ports.ts';

export type Progress =
  | { kind: 'done' }
  /** `status` in the provisioner's own words, `progress` from 0 to 100 of its own part. */
  | { kind: 'working'; status: string; progress: number }
  /** A person has to do it, and to confirm it by the step's name. */
  | { kind: 'waiting'; step: Confirmation };

export const CONFIRMATIONS = ['power-off', 'provision'] as const;
export type Confirmation = (typeof CONFIRMATIONS)[number];

/** One host that is to be installed. */
export interface Job extends ReassignmentInput {
  operation: string;
  /** The host's name in the source. */
  host: string;
  destination: Cloud;
  /** What was noted before, over all attempts. */
  notes: Readonly<PlanItem['notes']>;
  note(notes: PlanItem['notes']): Promise<void>;
}

export interface Provisioner {
  /** The fields of a request's body that it understands. */
  readonly options: readonly string[];
  /**
   * Makes sure, before anything is changed, that it can do the job.
   * @throws ResourceConflict that says what to do, InvalidRequest with `details.field`
   */
  check(job: Omit<Job, 'note' | 'notes'>): Promise<void>;
  /** @throws ResourceFailed when it cannot be done */
  powerOff(job: Job): Promise<Progress>;
  /** Takes the power-off back, for a host that stays. @throws ResourceFailed */
  powerOn(job: Job): Promise<Progress>;
  /** Installs the host; done when it has started as a host of the destination. @throws ResourceFailed */
  provision(job: Job): Promise<Progress>;
}

export const DONE: Progress = { kind: 'done' };

/** How often what failed is tried again before it is given up. */
const RETRIES = 1;

/**
 * Counts a failure once, however often it is seen.
 * @param stamp what tells this failure from the one before, such as the time of its state
 * @throws ResourceFailed when there were too many of its kind
 */
export const countFailure = async (
  { notes, note }: Job,
  kind: string,
  stamp: string,
  reason: string,
): Promise<void> => {
  const [seen, failures] = [`failure ${kind}`, `failures ${kind}`];
  if (notes[seen] !== stamp) {
    await note({ [seen]: stamp, [failures]: Number(notes[failures] ?? 0) + 1 });
  }
  if (Number(notes[failures]) > RETRIES) throw new PumphouseError('ResourceFailed', reason);
};

/** @throws InvalidRequest with `details.field` when an option is there and not text */
export const textOption = (options: Record<string, unknown>, field: string): string | undefined => {
  const value = options[field];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new PumphouseError('InvalidRequest', `${field} takes text`, { details: { field } });
};
