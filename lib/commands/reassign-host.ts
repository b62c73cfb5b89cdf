import { PumphouseError } from '../domain/errors.ts';
import type { Operation, ReassignmentInput } from '../domain/operation.ts';
import { beginOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import type { Provisioning } from '../provisioners/index.ts';
import { textOption } from '../provisioners/provisioner.ts';
import { obstaclesTo } from '../reassignment/removal.ts';
import { smallest } from '../reassignment/smoke.ts';
import { findComputeService } from '../resources/host.ts';
import type { Clouds, Runtime } from '../runtime.ts';
import { operationId, sameRequest } from './operation-id.ts';
import { refuseRunning } from './plan-host.ts';

export interface ReassignHost {
  /** The host's name. */
  hostId: string;
  /** The parsed JSON body, or nothing. */
  body?: unknown;
  idempotencyKey?: string | undefined;
}

const conflict = (message: string, details: Record<string, unknown> = {}) =>
  new PumphouseError('ResourceConflict', message, { details });

const answerOf = ({ id, kind, subject, state, input }: Operation) => ({
  ...{ id, kind, events: `/events/${id}` },
  ...{ host: { id: subject.id, name: subject.name, new_id: input.name }, state },
});

/** @throws ResourceConflict that says what to configure */
const provisioningOf = async (runtime: Runtime): Promise<Provisioning> => {
  if (!runtime.config.destination) throw conflict('There is no destination to reassign a host to');
  const provisioning = await runtime.provisioning();
  if (provisioning) return provisioning;
  throw conflict(
    'No provisioner is configured to install hosts: set PROVISIONER to ironic, fuel or manual (npm start -- --provisioner NAME, serverless deploy --param="provisioner=NAME")',
  );
};

/** @throws InvalidRequest with `details.fields` or `details.field` */
const readInput = (body: unknown, hostId: string, { provisioner }: Provisioning) => {
  if (body === undefined || body === null) return { name: hostId, options: {} };
  if (typeof body !== 'object' || Array.isArray(body))
    throw new PumphouseError('InvalidRequest', 'The body must be a JSON object, or absent');
  const { name: _name, ...options } = body as Record<string, unknown>;
  const fields = Object.keys(options).filter((field) => !provisioner.options.includes(field));
  if (fields.length > 0) {
    const known = ['name', ...provisioner.options].join(', ');
    const said = `A reassignment takes ${known}; unknown: ${fields.join(', ')}`;
    throw new PumphouseError('InvalidRequest', said, { details: { fields } });
  }
  return { name: textOption(body as Record<string, unknown>, 'name') ?? hostId, options };
};

/** The failed reassignment that left the host between the clouds, if one did. */
const previousOf = async ({ world }: Runtime, hostId: string): Promise<string | undefined> =>
  (await world.get({ cloud: 'none', type: 'host', id: hostId }))?.operation;

/** @throws ResourceNotFound, PlanBlocked with `details.obstacles` */
const refuseUnfit = async (source: Cloud, hostId: string, previous: string | undefined) => {
  if (!previous && !(await findComputeService(source, hostId)))
    throw new PumphouseError('ResourceNotFound', `The source has no host ${hostId}`);
  const obstacles = await obstaclesTo(source, hostId);
  if (obstacles.length === 0) return;
  throw new PumphouseError(
    'PlanBlocked',
    `Host ${hostId} is not evacuated: ${obstacles.join(', ')}. Empty it first with POST /hosts/${hostId}`,
    { details: { obstacles: obstacles.map((reason) => ({ type: 'host', id: hostId, reason })) } },
  );
};

/** What the destination must have, and must not have, before the source is touched. */
const checkDestination = async (
  { destination }: Clouds,
  { provisioner, settings }: Provisioning,
  job: ReassignmentInput & { operation: string; host: string },
) => {
  if (!destination) throw conflict('There is no destination to reassign a host to');
  if (!job.previous && (await findComputeService(destination, job.name)))
    throw conflict(`The destination already has a host ${job.name}; give another name`);
  await smallest(destination, settings.smoke);
  await provisioner.check({ ...job, destination });
};

/**
 * Begins to move an evacuated host from the source to the destination. One that an earlier
 * reassignment left between the clouds goes on from there.
 *
 * Idempotent by `idempotencyKey`: the same key answers the same operation.
 * @throws InvalidRequest, ResourceNotFound, OperationInProgress, PlanBlocked with `details.obstacles`
 * while the host is not evacuated, ResourceConflict without a destination or a provisioner, or when
 * the provisioner cannot do it
 */
export const reassignHost = async (
  runtime: Runtime,
  { hostId, body, idempotencyKey }: ReassignHost,
): Promise<{ id: string; answer: Record<string, unknown> }> => {
  const provisioning = await provisioningOf(runtime);
  const asked = readInput(body, hostId, provisioning);
  const id = operationId('reassignment', hostId, idempotencyKey);
  const known = idempotencyKey && (await runtime.operations.get(id));
  if (known) {
    const { previous: _previous, ...input } = known.input;
    sameRequest({ ...known, input }, asked);
    return { id, answer: answerOf(known) };
  }
  await refuseRunning(runtime, hostId);
  const clouds = await runtime.clouds();
  const previous = await previousOf(runtime, hostId);
  await refuseUnfit(clouds.source, hostId, previous);
  const input = { ...asked, ...(previous && { previous }) };
  await checkDestination(clouds, provisioning, { ...input, operation: id, host: hostId });
  const operation = await beginOperation(runtime, {
    ...{ id, kind: 'reassignment', input, state: 'running' },
    subject: { type: 'host', cloud: 'source', id: hostId, name: hostId },
    createdAt: runtime.clock.now().toISOString(),
  });
  return { id, answer: answerOf(operation) };
};
