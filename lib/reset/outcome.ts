/** How a reset ends: with `reset completed` for each cloud, each with its own outcome. */
import { type Outcome, resetEvents } from '../domain/lifecycle.ts';
import { heldBy, operationInProgress } from '../domain/operation.ts';
import type { PlanItem } from '../domain/plan.ts';
import type { ResetInput } from '../domain/reset.ts';
import type { CloudName } from '../domain/world.ts';
import { errorFields, log } from '../log.ts';
import { endOperation, getOperation } from '../operations.ts';
import { record } from '../record.ts';
import type { Runtime } from '../runtime.ts';
import { revokeGrants } from './populate.ts';
import { cloudItem, getCloudItem, type Reset } from './reset.ts';

/** Writes down which clouds are reset. A repeat leaves what is there as it is. */
export const openClouds = async ({ plans }: Runtime, { id, input }: Reset): Promise<void> => {
  const known = await plans.list(id);
  if (known.some(({ type }) => type === 'cloud')) return;
  await plans.put(input.clouds.map((cloud) => cloudItem(id, cloud)));
};

/**
 * Refuses to begin beside anything else: what was begun between the request's look and the reset's
 * own beginning is seen here, and from here on nothing else is begun.
 * @throws OperationInProgress
 */
export const refuseCompany = async ({ operations }: Runtime, { id }: Reset): Promise<void> => {
  const other = (await operations.running()).find((one) => one.id !== id);
  if (other) throw operationInProgress(other, `${heldBy(other)}; nothing was reset`);
};

/** Notes why one cloud could not be cleared; the other one goes on. */
export const giveCloudUp = async (
  runtime: Runtime,
  { id }: Reset,
  cloud: CloudName,
  reason: string,
): Promise<void> => {
  const item = await getCloudItem(runtime, id, cloud);
  if (item.state === 'planned') await runtime.plans.update(item, { state: 'failed', reason });
};

const outcomeOf = (item: PlanItem | undefined, otherwise: string): Outcome => {
  if (item?.state === 'ready') return { status: '' };
  return { status: 'error', reason: item?.reason ?? otherwise };
};

/**
 * Ends the reset. A cloud that came to its end has succeeded, whatever became of the other one.
 * @param reason what is told of a cloud that did not
 */
export const endReset = async (
  runtime: Runtime,
  { id, operation, input }: Pick<Reset, 'id' | 'operation' | 'input'>,
  reason = 'it was not finished',
): Promise<void> => {
  const items = await runtime.plans.list(id);
  const outcomes = input.clouds.map((cloud): [CloudName, Outcome] => {
    const item = items.find((one) => one.type === 'cloud' && one.id === cloud);
    return [cloud, outcomeOf(item, reason)];
  });
  for (const event of resetEvents(operation, Object.fromEntries(outcomes)))
    await record(runtime, { operation: id, ...event });
  const failed = outcomes.filter(([, { status }]) => status === 'error');
  const reasons = [...new Set(failed.map(([, outcome]) => outcome.reason))].join('; ');
  await endOperation(runtime, id, failed.length > 0 ? 'error' : '', reasons || undefined);
};

/** Ends a reset that could not go on, even one that is refused: it takes no leave to say so. */
export const failReset = async (runtime: Runtime, id: string, reason: string): Promise<void> => {
  const operation = await getOperation(runtime, id);
  await revokeGrants(runtime, { id }).catch((error: unknown) => {
    log.warn('our roles in the new tenants are left', errorFields(error));
  });
  await endReset(
    runtime,
    { id, operation, input: operation.input as unknown as ResetInput },
    reason,
  );
};
