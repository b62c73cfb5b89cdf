/** A person switches the host off and installs it, and confirms each by `POST /hosts/{host_id}/confirm`. */
import { PumphouseError } from '../domain/errors.ts';
import {
  type Confirmation,
  DONE,
  type Job,
  type Progress,
  type Provisioner,
} from './provisioner.ts';

/** What the confirmation leaves among the notes. */
export const confirmedNote = (step: Confirmation) => `confirmed ${step}`;
export const refusedNote = (step: Confirmation) => `refused ${step}`;

const confirmed = async ({ notes }: Job, step: Confirmation): Promise<Progress> => {
  const refused = notes[refusedNote(step)];
  if (refused) throw new PumphouseError('ResourceFailed', `The operator: ${refused}`);
  return notes[confirmedNote(step)] ? DONE : { kind: 'waiting', step };
};

export const manual = (): Provisioner => ({
  options: [],
  check: async () => {},
  powerOff: (job) => confirmed(job, 'power-off'),
  /** Whoever switched it off knows how to switch it on. */
  powerOn: async () => DONE,
  provision: (job) => confirmed(job, 'provision'),
});
