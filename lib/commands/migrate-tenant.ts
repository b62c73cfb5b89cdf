import { PumphouseError } from '../domain/errors.ts';
import { type MigrationInput, type Operation, operationInProgress } from '../domain/operation.ts';
import { type Plan, planTenant, summary } from '../migration/plan-tenant.ts';
import { beginOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import { type Project, tenant } from '../resources/tenant.ts';
import type { Runtime } from '../runtime.ts';
import { migrationInput } from './migration-input.ts';
import { operationId, sameRequest } from './operation-id.ts';

export interface MigrateTenant {
  tenantId: string;
  /** The parsed JSON body, or nothing. */
  body: unknown;
  idempotencyKey?: string | undefined;
}

/** What each server is proven by before its source goes. */
const CHECKS = ['image bytes', 'server fields', 'ports in order', 'addresses', 'state'];

const answerOf = (operation: Operation, plan?: Plan) => {
  const { strategy, quiesce, finalize } = operation.input as unknown as MigrationInput;
  return {
    ...{ id: operation.id, kind: operation.kind, events: `/events/${operation.id}` },
    ...{ tenant: { id: operation.subject.id, name: operation.subject.name } },
    ...{ state: operation.state, strategy, quiesce, finalize, checks: CHECKS },
    ...(plan && { lost: plan.losses }),
  };
};

const plan = async (
  { plans, config }: Runtime,
  clouds: { source: Cloud; destination: Cloud },
  request: { operation: string; tenantId: string; input: MigrationInput },
) => {
  const planned = await planTenant({ ...clouds, plans, limit: config.relay, ...request });
  if (planned.obstacles.length === 0) return planned;
  throw new PumphouseError('PlanBlocked', summary(planned.obstacles), {
    details: { obstacles: planned.obstacles },
  });
};

/** Refuses what runs already before anything is looked up, since that is what the caller most wants to know. */
const refuseRunning = async ({ operations }: Runtime, id: string, tenantId: string) => {
  const running = (await operations.running()).find(
    ({ kind, subject }) =>
      kind === 'reset' || (subject.type === 'tenant' && subject.id === tenantId),
  );
  if (!running || running.id === id) return;
  const said = `The tenant is held by a running ${running.kind} of ${running.subject.name}`;
  throw operationInProgress(running, said);
};

/**
 * Starts a tenant's migration after looking at both clouds: what cannot be carried, what would be
 * merged with a stranger's, and what is too large refuses it before anything is changed.
 *
 * Idempotent by `idempotencyKey`: the same key answers the same operation.
 * @throws ResourceNotFound, OperationInProgress, PlanBlocked with `details.obstacles`, InvalidRequest
 */
export const migrateTenant = async (
  runtime: Runtime,
  { tenantId, body, idempotencyKey }: MigrateTenant,
): Promise<{ id: string; answer: Record<string, unknown> }> => {
  const { operations, clock, config } = runtime;
  const input = migrationInput(body, config);
  const id = operationId('migration', tenantId, idempotencyKey);
  const known = idempotencyKey && (await operations.get(id));
  if (known) {
    sameRequest(known, { ...input });
    return { id, answer: answerOf(known) };
  }
  const { source, destination } = await runtime.clouds();
  const { name }: Project = await tenant.get(source, tenantId);
  if (!destination) {
    throw new PumphouseError('ResourceConflict', 'No destination cloud is configured: name one');
  }
  await refuseRunning(runtime, id, tenantId);
  const request = { operation: id, tenantId, input };
  const planned = await plan(runtime, { source, destination }, request);
  const operation = await beginOperation(runtime, {
    ...{ id, kind: 'migration', input: { ...input }, state: 'running' },
    subject: { type: 'tenant', cloud: 'source', id: tenantId, name },
    createdAt: clock.now().toISOString(),
  });
  return { id, answer: answerOf(operation, planned) };
};
