import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { beginOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import { type ComputeService, computeServices, hostStatus } from '../resources/host.ts';
import { all } from '../resources/resource-type.ts';
import type { Runtime } from '../runtime.ts';
import { operationId, sameRequest } from './operation-id.ts';
import { refuseOptions } from './refuse-options.ts';

export interface EvacuateHost {
  /** The host's name. */
  hostId: string;
  /** The parsed JSON body, or nothing. */
  body?: unknown;
  idempotencyKey?: string | undefined;
}

const answerOf = ({ id, kind, subject, state }: Operation) => ({
  ...{ id, kind, events: `/events/${id}` },
  ...{ host: { id: subject.id, name: subject.name }, state },
});

/** A host that is being evacuated, or both clouds being reset. */
const refuseRunning = async ({ operations }: Runtime, hostId: string) => {
  const running = (await operations.running()).find(
    ({ kind, subject }) => kind === 'reset' || (subject.type === 'host' && subject.id === hostId),
  );
  if (!running) return;
  throw new PumphouseError(
    'OperationInProgress',
    `${running.subject.name} is held by a running ${running.kind}`,
    { details: { operation: running.id, events: `/events/${running.id}` } },
  );
};

const conflict = (message: string) => new PumphouseError('ResourceConflict', message);

/** @throws ResourceNotFound, ResourceConflict */
const refuseUnfit = (services: readonly ComputeService[], hostId: string) => {
  const host = services.find((service) => service.host === hostId);
  if (!host) throw new PumphouseError('ResourceNotFound', `The source has no host ${hostId}`);
  if (hostStatus(host) === 'error') {
    throw conflict(
      `Host ${hostId} is down: its servers cannot be moved while they run. Nova's own "evacuate" rebuilds the servers of a dead host elsewhere (nova host-evacuate, openstack server evacuate)`,
    );
  }
  const others = services.filter((service) => service.host !== hostId);
  if (!others.some((service) => hostStatus(service) === 'available')) {
    throw conflict(`Host ${hostId} is the last one enabled: its servers have nowhere to go`);
  }
};

const servicesOf = (source: Cloud) => all(computeServices(source));

/**
 * Begins to empty a living host of the source: it is blocked, its running servers are moved to other
 * hosts by live migration, and it stays blocked. With servers that cannot move it becomes what it was.
 *
 * Idempotent by `idempotencyKey`: the same key answers the same operation.
 * @throws InvalidRequest with `details.fields`, ResourceNotFound, OperationInProgress,
 * ResourceConflict when the host is down or the last one enabled
 */
export const evacuateHost = async (
  runtime: Runtime,
  { hostId, body, idempotencyKey }: EvacuateHost,
): Promise<{ id: string; answer: Record<string, unknown> }> => {
  refuseOptions(body, 'An evacuation');
  const input = {};
  const id = operationId('evacuation', hostId, idempotencyKey);
  const known = idempotencyKey && (await runtime.operations.get(id));
  if (known) {
    sameRequest(known, input);
    return { id, answer: answerOf(known) };
  }
  const { source } = await runtime.clouds();
  const services = await servicesOf(source);
  await refuseRunning(runtime, hostId);
  refuseUnfit(services, hostId);
  const operation = await beginOperation(runtime, {
    ...{ id, kind: 'evacuation', input, state: 'running' },
    subject: { type: 'host', cloud: 'source', id: hostId, name: hostId },
    createdAt: runtime.clock.now().toISOString(),
  });
  return { id, answer: answerOf(operation) };
};
