/** The two parts that the provisioner does. */
import { findComputeService } from '../resources/host.ts';
import type { Runtime } from '../runtime.ts';
import { type Led, lead } from './progress.ts';
import type { Reassignment } from './reassignment.ts';

/**
 * Has the host powered off, so that its nova-compute cannot register itself anew. One that an earlier
 * reassignment has removed from the source may run in the destination by now: it is left alone.
 *
 * Idempotent. @throws ResourceFailed, StillWaiting, DeadlineExceeded
 */
export const powerOff = async (
  runtime: Runtime,
  reassignment: Reassignment,
  execution: string,
): Promise<Led> => {
  const { source, host, provisioner, item, note } = reassignment;
  const isOver = item.notes['power off done'] || (await findComputeService(source, host));
  if (!isOver) await note({ 'power off done': true });
  return lead(runtime, reassignment, 'power off', execution, provisioner.powerOff);
};

/** Has the host installed for the destination. Idempotent. @throws ResourceFailed, StillWaiting, DeadlineExceeded */
export const provision = (
  runtime: Runtime,
  reassignment: Reassignment,
  execution: string,
): Promise<Led> =>
  lead(runtime, reassignment, 'provision', execution, reassignment.provisioner.provision);
