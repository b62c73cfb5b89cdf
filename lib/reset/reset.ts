/** A reset under way: what the steps of `stepfunctions/reset-clouds` share. */
import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { type PlanItem, plannedItem } from '../domain/plan.ts';
import type { ResetInput } from '../domain/reset.ts';
import type { CloudName } from '../domain/world.ts';
import { getOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import type { Runtime } from '../runtime.ts';

export interface Reset {
  id: string;
  operation: Operation;
  input: ResetInput;
  /** True once its last event has been told: a late repeat of a step touches nothing more. */
  ended: boolean;
}

/**
 * Refuses where a reset is not enabled, or enabled for another prefix than this one was begun with:
 * nothing is deleted in a cloud without passing here.
 * @throws ResourceNotFound, InvalidRequest
 */
export const openReset = async (runtime: Runtime, id: string): Promise<Reset> => {
  const { config } = runtime;
  if (!config.resetEnabled)
    throw new PumphouseError('ResourceNotFound', 'A reset is not enabled here');
  const operation = await getOperation(runtime, id);
  const input = operation.input as unknown as ResetInput;
  if (input.prefix !== config.resetPrefix) {
    const said = `This reset was begun for the prefix ${input.prefix ?? '(none)'}, and another is set`;
    throw new PumphouseError('InvalidRequest', said);
  }
  return { id, operation, input, ended: operation.state === 'ended' };
};

/** @throws InvalidRequest when no such cloud is configured */
export const cloudOf = async (runtime: Runtime, name: CloudName): Promise<Cloud> => {
  const cloud = (await runtime.clouds())[name];
  if (cloud) return cloud;
  throw new PumphouseError('InvalidRequest', `No ${name} cloud is configured`);
};

/** The plan's item for a cloud: how far it has come, and in the end how it went. */
export const cloudItem = (operation: string, id: CloudName): PlanItem =>
  plannedItem({ operation, type: 'cloud', id, label: id });

export const getCloudItem = (
  { plans }: Pick<Runtime, 'plans'>,
  operation: string,
  id: CloudName,
): Promise<PlanItem> => plans.get(operation, { type: 'cloud', id });
