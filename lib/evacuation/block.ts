/** Keeps new servers off the host while it is emptied. Who blocked it is written into Nova itself. */
import { isError, PumphouseError } from '../domain/errors.ts';
import { type PlanItem, plannedItem } from '../domain/plan.ts';
import type { Cloud } from '../ports.ts';
import { record } from '../record.ts';
import { type ComputeService, computeServices } from '../resources/host.ts';
import type { Runtime } from '../runtime.ts';
import type { Evacuation } from './evacuation.ts';

/** By this the service is known as disabled by us, whatever was lost meanwhile. */
const ourReason = (operation: string) => `Pumphouse evacuates this host (operation ${operation})`;

const findService = async (source: Cloud, host: string): Promise<ComputeService> => {
  for await (const service of computeServices(source)) if (service.host === host) return service;
  throw new PumphouseError('ResourceNotFound', `The source has no host ${host}`);
};

const change = (source: Cloud, { id }: ComputeService, status: object) =>
  source.put('compute', `/os-services/${id}`, status);

/** What is remembered of the host; written before the first change, so the first answer holds. */
const hostItem = async (
  { plans }: Runtime,
  { operation, host }: Evacuation,
  service: ComputeService,
): Promise<PlanItem> => {
  const known = (await plans.list(operation)).find(({ type }) => type === 'host');
  if (known) return known;
  const ours = service.status === 'enabled' || service.disabled_reason === ourReason(operation);
  const item = plannedItem({ operation, type: 'host', id: host, label: host, notes: { ours } });
  await plans.put([item]);
  return item;
};

/**
 * Disables the host's nova-compute, so that the scheduler passes it over; its servers run on.
 *
 * Idempotent, and done once: a host that was opened again for an undo is not closed by a restart. One
 * that somebody else disabled stays as it is, and keeps their reason.
 * @throws ResourceNotFound
 * @see https://docs.openstack.org/api-ref/compute/#update-compute-service
 */
export const block = async (runtime: Runtime, evacuation: Evacuation): Promise<void> => {
  const { operation, host, source } = evacuation;
  const service = await findService(source, host);
  const item = await hostItem(runtime, evacuation, service);
  if (item.notes.blocked) return;
  if (item.notes.ours && service.status === 'enabled') {
    await change(source, service, { status: 'disabled', disabled_reason: ourReason(operation) });
  }
  const data = { id: host, cloud: 'source' };
  await record(runtime, { operation, step: 'block', name: 'host block', data });
  await runtime.plans.update(item, { notes: { blocked: true } });
};

/** A host that has left the cloud meanwhile is nothing to open. */
const unlessGone = (error: unknown): undefined => {
  if (!isError(error, 'ResourceNotFound')) throw error;
};

/**
 * Makes the host again what it was before the block.
 *
 * Idempotent. One that somebody else has disabled, before us or meanwhile, stays disabled.
 */
export const unblock = async (runtime: Runtime, evacuation: Evacuation): Promise<void> => {
  const { operation, host, source } = evacuation;
  const items = await runtime.plans.list(operation);
  if (!items.some(({ type, notes }) => type === 'host' && notes.ours === true)) return;
  const service = await findService(source, host).catch(unlessGone);
  if (!service) return;
  const { status, disabled_reason } = service;
  if (status === 'disabled' && disabled_reason !== ourReason(operation)) return;
  if (status === 'disabled') await change(source, service, { status: 'enabled' });
  const data = { id: host, cloud: 'source' };
  await record(runtime, { operation, step: 'unblock', name: 'host unblock', data });
};
