import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { CLOUD_NAMES } from '../domain/world.ts';
import { errorFields, log } from '../log.ts';
import { beginOperation, endOperation } from '../operations.ts';
import { worldListings } from '../resources/index.ts';
import type { Runtime } from '../runtime.ts';
import { type SynchronisePorts, synchronisePorts, synchroniseWorld } from '../synchronise.ts';
import { operationId, sameRequest } from './operation-id.ts';
import { refuseOptions } from './refuse-options.ts';

export interface ResetClouds {
  /** The parsed JSON body, or nothing; a reset takes no options. */
  body?: unknown;
  idempotencyKey?: string | undefined;
}

/** Milliseconds in which the simulator has to be done; the request itself lives little longer. */
const RESET_MILLISECONDS = 20_000;

const answerOf = ({ id, kind, state, status, reason }: Operation) => ({
  ...{ id, kind, events: `/events/${id}`, state },
  ...(status !== undefined && { status }),
  ...(reason && { reason }),
});

const refuseRunning = async ({ operations }: Runtime, id: string) => {
  const other = (await operations.running()).find((one) => one.id !== id);
  if (!other) return;
  throw new PumphouseError(
    'OperationInProgress',
    `${other.subject.name} is held by a running ${other.kind}; a reset waits for nobody`,
    { details: { operation: other.id, events: `/events/${other.id}` } },
  );
};

const restoreSimulator = async (simulatorUrl: string) => {
  const url = `${simulatorUrl.replace(/\/$/, '')}/_simulator/reset`;
  const signal = AbortSignal.timeout(RESET_MILLISECONDS);
  const answer = await fetch(url, { method: 'POST', signal });
  if (answer.ok) return;
  const said = `The simulated clouds answered ${answer.status} to the reset`;
  throw new PumphouseError('CloudUnavailable', said);
};

/** Takes what operations have said of it off an object; a listing brings it back without, if it is there. */
const forget = async ({ world }: SynchronisePorts) => {
  const { items } = await world.read();
  for (const item of items.filter(({ status }) => status)) {
    await world.miss(item);
    const marked = await world.get(item);
    if (marked?.missed) await world.miss(marked);
  }
};

/** Twice, since only the second listing removes what the first one misses. */
const synchronise = async (runtime: Runtime) => {
  const ports = await synchronisePorts(runtime);
  await forget(ports);
  await synchroniseWorld(ports, worldListings);
  const reports = await synchroniseWorld(ports, worldListings);
  const error = reports.find((report) => report.error)?.error;
  if (error) throw new PumphouseError('CloudUnavailable', error);
};

/** Restores and synchronises; what goes wrong is the end of the operation, not of the request. */
const restore = async (runtime: Runtime, simulatorUrl: string, operation: string) => {
  try {
    await restoreSimulator(simulatorUrl);
    await synchronise(runtime);
    return await endOperation(runtime, operation, '');
  } catch (error) {
    log.error('the reset failed', errorFields(error));
    return endOperation(runtime, operation, 'error', (error as Error).message);
  }
};

/**
 * Brings the simulated clouds back to the workload they were seeded with, and the world after them.
 * The world stands before `reset completed` is told: who reads it then reads the new one.
 *
 * Idempotent by `idempotencyKey`.
 * @throws InvalidRequest with `details.fields`, ResourceNotFound where it is not enabled or the clouds are real, OperationInProgress while
 * anything runs
 */
export const resetClouds = async (
  runtime: Runtime,
  { body, idempotencyKey }: ResetClouds = {},
): Promise<{ id: string; answer: Record<string, unknown> }> => {
  const { operations, clock, config } = runtime;
  if (!config.resetEnabled || !config.simulatorUrl) {
    throw new PumphouseError('ResourceNotFound', 'A reset is not enabled here');
  }
  refuseOptions(body, 'A reset');
  const input = { clouds: [...CLOUD_NAMES] };
  const id = operationId('reset', 'clouds', idempotencyKey);
  const known = idempotencyKey && (await operations.get(id));
  if (known) {
    sameRequest(known, input);
    return { id, answer: answerOf(known) };
  }
  await refuseRunning(runtime, id);
  const operation = await beginOperation(runtime, {
    ...{ id, kind: 'reset', input, state: 'running' },
    subject: { type: 'clouds', cloud: 'source', id: 'clouds', name: 'Both clouds' },
    createdAt: clock.now().toISOString(),
  });
  const outcome = await restore(runtime, config.simulatorUrl, id);
  return { id, answer: answerOf({ ...operation, state: 'ended', ...outcome }) };
};
