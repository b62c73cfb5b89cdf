/** The end of a reassignment: the host is a host of the destination, or stands where a person can see it. */
import { errorFields, log } from '../log.ts';
import { endOperation } from '../operations.ts';
import { leaveAggregate } from '../resources/aggregate.ts';
import { changeService, findComputeService } from '../resources/host.ts';
import type { Runtime } from '../runtime.ts';
import { openReassignment, type Reassignment } from './reassignment.ts';
import { tellRemoval } from './removal.ts';
import { removeSmoke } from './smoke.ts';

const leave = async ({ item, destination, name }: Reassignment): Promise<void> => {
  const { aggregate } = item.notes;
  if (aggregate) await leaveAggregate(destination, String(aggregate), name);
};

/** Ends it: only now the host shows as available. Idempotent. */
export const finish = async (runtime: Runtime, reassignment: Reassignment): Promise<void> => {
  await leave(reassignment);
  await endOperation(runtime, reassignment.operation.id, '');
};

/** Nova cuts a reason at 255 characters. */
const cut = (reason: string) => (reason.length > 255 ? `${reason.slice(0, 252)}...` : reason);

/** Nothing is to be placed on a host that failed its proof; the smoke server goes, too. */
const closeAgain = async (reassignment: Reassignment, reason: string): Promise<void> => {
  const { destination, name, intend, item } = reassignment;
  if (!item.notes['mapping done']) return;
  const service = await findComputeService(destination, name);
  if (service?.status === 'enabled') {
    const disabled_reason = cut(`Pumphouse: ${reason}`);
    await changeService(destination, service, { status: 'disabled', disabled_reason });
  }
  await removeSmoke(reassignment, await intend('undo smoke'));
  await leave(reassignment);
};

/** A host that the source still has is started again: it is as it was, blocked and empty. */
const startAgain = async (reassignment: Reassignment): Promise<void> => {
  const { provisioner, job, settings, until, intend } = reassignment;
  const what = `${reassignment.host} to be powered on again`;
  await until(await intend('undo power off'), what, settings.deadlines.silence, async () =>
    (await provisioner.powerOn(job)).kind === 'working' ? undefined : true,
  );
};

/** What was to be undone and could not be is said with the reason. */
const attempt = async (work: () => Promise<void>): Promise<string> => {
  try {
    await work();
    return '';
  } catch (error) {
    if ((error as Error).name === 'StillWaiting') throw error;
    log.warn('an undo failed', errorFields(error));
    return `; and its undo: ${(error as Error).message}`;
  }
};

const undo = async (reassignment: Reassignment, reason: string): Promise<string> => {
  const { source, host, item } = reassignment;
  if (await findComputeService(source, host)) {
    if (!item.intents['power off']) return '';
    return attempt(() => startAgain(reassignment));
  }
  if (item.intents.remove) await tellRemoval(reassignment);
  return attempt(() => closeAgain(reassignment, reason));
};

/**
 * Ends a reassignment that cannot go on. While the source has the host, it is started again there;
 * later it stands between the clouds with the reason, or is disabled in the destination.
 *
 * Idempotent: the first reason holds.
 * @throws StillWaiting
 */
export const fail = async (
  runtime: Runtime,
  reassignment: Reassignment,
  reason: string,
): Promise<void> => {
  const { item, note, operation } = reassignment;
  if (!item.notes.failure) await note({ failure: reason });
  const first = String(item.notes.failure);
  const more = await undo(reassignment, first);
  await endOperation(runtime, operation.id, 'error', `${first}${more}`);
};

/** Closes a reassignment whose machine died: undone as far as it can be. Idempotent. @throws StillWaiting */
export const closeReassignment = async (
  runtime: Runtime,
  operation: string,
  reason: string,
): Promise<void> => fail(runtime, await openReassignment(runtime, operation), reason);
