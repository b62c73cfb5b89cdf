import { PumphouseError } from '../domain/errors.ts';
import { heldBy, type Operation, operationInProgress } from '../domain/operation.ts';
import type { ResetInput } from '../domain/reset.ts';
import { beginOperation } from '../operations.ts';
import { stepsOf } from '../reset/populate.ts';
import { namedClouds, refuseUnsafe, survey } from '../reset/survey.ts';
import { readWorkload } from '../reset/workload.ts';
import type { Runtime } from '../runtime.ts';
import { operationAnswer } from './operation-answer.ts';
import { operationId, sameRequest } from './operation-id.ts';

export interface ResetClouds {
  /** The parsed JSON body, or nothing. */
  body?: unknown;
  idempotencyKey?: string | undefined;
}

const invalid = (message: string, details: Record<string, unknown>) =>
  new PumphouseError('InvalidRequest', message, { details });

/** @throws InvalidRequest naming the field */
const readDryRun = (body: unknown): boolean => {
  if (body === undefined || body === null) return false;
  if (typeof body !== 'object' || Array.isArray(body))
    throw invalid('The body must be a JSON object, or absent', { field: 'body' });
  const { dry_run: dryRun = false, ...unknown } = body as Record<string, unknown>;
  const fields = Object.keys(unknown);
  if (fields.length > 0)
    throw invalid(`A reset takes dry_run alone; unknown: ${fields.join(', ')}`, { fields });
  if (typeof dryRun === 'boolean') return dryRun;
  throw invalid('dry_run takes true or false', { field: 'dry_run' });
};

const refuseRunning = async ({ operations }: Runtime, id: string) => {
  const other = (await operations.running()).find((one) => one.id !== id);
  if (other) throw operationInProgress(other, `${heldBy(other)}; a reset waits for nobody`);
};

/** Servers and volumes are made in the scope of their tenant, which takes a password (decision 2.8). */
const refuseCredential = async ({ cloudConfigs }: Runtime, { workload }: ResetInput) => {
  if (!workload?.tenants.length) return;
  const { source } = await cloudConfigs();
  if (source.auth.kind === 'password') return;
  const said = `cloud "${source.entry}" has an application credential; to populate it takes a password`;
  throw invalid(said, { unprocessable: true });
};

const inputOf = ({ config }: Runtime): ResetInput => {
  if (!config.resetEnabled)
    throw new PumphouseError('ResourceNotFound', 'A reset is not enabled here');
  const { resetPrefix: prefix, workload, destination } = config;
  return {
    clouds: destination ? ['source', 'destination'] : ['source'],
    ...(prefix && { prefix, ...(workload && { workload: readWorkload(workload) }) }),
  };
};

const refuse = async (runtime: Runtime, input: ResetInput) => {
  const { prefix } = input;
  if (prefix === undefined) return;
  await refuseCredential(runtime, input);
  for (const cloud of namedClouds(await runtime.clouds())) await refuseUnsafe(cloud, prefix);
};

/** What would go of each cloud, and what would be made in the source, in the order of both. */
const dryRun = async (runtime: Runtime, { prefix, workload }: ResetInput) => {
  if (prefix === undefined) {
    const restores = 'Both simulated clouds, as they were seeded: all that came since goes';
    return { dry_run: true, restores };
  }
  const clouds = namedClouds(await runtime.clouds());
  const answers = clouds.map(async (cloud) => {
    const found = await survey(cloud, prefix);
    const removed = found.map(({ type, id, name }) => ({ type, id, name }));
    const steps = cloud.name === 'source' && workload ? stepsOf(workload, prefix) : [];
    const ordered = steps
      .toSorted((a, b) => a.wave - b.wave)
      .filter(({ type }) => type !== 'grant');
    const made = ordered.map(({ type, label }) => ({ type, name: label }));
    return [cloud.name, { remove: removed, make: made }];
  });
  return { dry_run: true, prefix, ...Object.fromEntries(await Promise.all(answers)) };
};

/**
 * Clears both clouds of what bears the prefix, then populates the source with the configured workload;
 * or brings simulated clouds back to what they were seeded with. With `dry_run` nothing is changed, and
 * the answer says what would be.
 *
 * Idempotent by `idempotencyKey`.
 * @throws InvalidRequest for an unknown field or a prefix that the cloud itself needs, ResourceNotFound
 * where it is not enabled, OperationInProgress while anything runs
 */
export const resetClouds = async (
  runtime: Runtime,
  { body, idempotencyKey }: ResetClouds = {},
): Promise<{ id?: string; answer: Record<string, unknown> }> => {
  const { operations, clock } = runtime;
  const input = inputOf(runtime);
  const isDry = readDryRun(body);
  const id = operationId('reset', 'clouds', idempotencyKey);
  const known = idempotencyKey && !isDry ? await operations.get(id) : undefined;
  if (known) {
    sameRequest(known, { ...input });
    return { id, answer: operationAnswer(known) };
  }
  await refuse(runtime, input);
  if (isDry) return { answer: await dryRun(runtime, input) };
  await refuseRunning(runtime, id);
  const operation: Operation = {
    ...{ id, kind: 'reset', input: { ...input }, state: 'running' },
    subject: { type: 'clouds', cloud: 'source', id: 'clouds', name: 'Both clouds' },
    createdAt: clock.now().toISOString(),
  };
  return { id, answer: operationAnswer(await beginOperation(runtime, operation)) };
};
