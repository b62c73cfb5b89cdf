/** How far the host is, told as `host provisioning` whenever that changes. */
import { executionOf } from '../domain/operation.ts';
import type { Intent } from '../domain/plan.ts';
import type { Confirmation, Job, Progress } from '../provisioners/provisioner.ts';
import type { Runtime } from '../runtime.ts';
import type { Reassignment } from './reassignment.ts';

/** Where in the whole each part begins and ends, in percent. */
export const PARTS = {
  'power off': [0, 5],
  silence: [5, 10],
  removal: [10, 15],
  provision: [15, 80],
  arrival: [80, 90],
  smoke: [90, 99],
} as const;
type Part = keyof typeof PARTS;

/**
 * Tells a status and a progress (0 to 100 of its part) unless they were the last that was told. It
 * never goes back, although states do.
 * Numbered, since a host that failed and is tried again comes through the same states once more.
 */
export const tellProgress = async (
  { host, name, item, note, tell }: Reassignment,
  intent: Intent,
  part: Part,
  { status, progress }: { status: string; progress: number },
): Promise<void> => {
  const [from, to] = PARTS[part];
  const { tellings = 0, toldStatus, toldProgress = 0 } = item.notes;
  const reached = Math.round(from + ((to - from) * progress) / 100);
  const percent = Math.max(Number(toldProgress), reached);
  if (toldStatus === status && toldProgress === percent) return;
  const number = Number(tellings) + 1;
  const data = { id: host, status, progress: percent, new_id: name };
  const { data: told } = await tell(intent, 'host provisioning', data, `provisioning/${number}`);
  const last = { toldStatus: String(told.status), toldProgress: Number(told.progress) };
  await note({ tellings: number, ...last });
};

const WAITING: Record<Confirmation, string> = {
  'power-off': 'waiting for power-off',
  provision: 'waiting for provision',
};

/** What the machine goes by: a waiting one ends its execution here. */
export interface Led {
  waiting: boolean;
}

/**
 * Has the provisioner do its part, look by look, to the end; or notes that a person has to.
 *
 * Idempotent. An execution that was woken after the operation went on in another one does nothing.
 * @param execution name of the execution that asks
 * @throws StillWaiting, DeadlineExceeded, ResourceFailed
 */
export const lead = async (
  runtime: Runtime,
  reassignment: Reassignment,
  part: 'power off' | 'provision',
  execution: string,
  work: (job: Job) => Promise<Progress>,
): Promise<Led> => {
  const { operation, item, job, settings, until, intend, note } = reassignment;
  if (execution !== executionOf(operation)) return { waiting: true };
  if (item.notes[`${part} done`]) return { waiting: false };
  const intent = await intend(part);
  const what = `${reassignment.host} (${part})`;
  const end = await until(intent, what, settings.deadlines.provision, async () => {
    const progress = await work(job);
    if (progress.kind !== 'working') return progress;
    await tellProgress(reassignment, intent, part, progress);
    return undefined;
  });
  if (end.kind === 'waiting') {
    // Told only now: whoever hears of it may confirm at once.
    await runtime.operations.pause(operation, end.step);
    await tellProgress(reassignment, intent, part, { status: WAITING[end.step], progress: 0 });
    return { waiting: true };
  }
  await note({ [`${part} done`]: true });
  return { waiting: false };
};
