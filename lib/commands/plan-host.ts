import { heldBy, type Operation, operationInProgress } from '../domain/operation.ts';
import { planHost } from '../evacuation/plan.ts';
import type { Runtime } from '../runtime.ts';

/** What holds a host: its own operation, or the reset of both clouds. */
const runningOn = async (
  { operations }: Pick<Runtime, 'operations'>,
  hostId: string,
): Promise<Operation | undefined> =>
  (await operations.running()).find(
    ({ kind, subject }) => kind === 'reset' || (subject.type === 'host' && subject.id === hostId),
  );

/** @throws OperationInProgress with `details.operation` while an operation holds the host */
export const refuseRunning = async (
  runtime: Pick<Runtime, 'operations'>,
  hostId: string,
): Promise<void> => {
  const running = await runningOn(runtime, hostId);
  if (running) throw operationInProgress(running, heldBy(running));
};

/**
 * What an evacuation of the host would do, and what would keep it from it. Changes nothing.
 * @throws ResourceNotFound, InvalidRequest with `details.field`
 */
export const evacuationPlan = async (
  runtime: Runtime,
  hostId: string,
  options: { target?: string | undefined } = {},
): Promise<object> => {
  const { source } = await runtime.clouds();
  const { blocks, ...plan } = await planHost(source, hostId, options);
  const running = await runningOn(runtime, hostId);
  const held = running && {
    ...{ kind: 'running', reason: heldBy(running), events: `/events/${running.id}` },
  };
  return { ...plan, blocks: held ? [held, ...blocks] : blocks };
};
