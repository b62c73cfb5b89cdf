/** What the evacuation does about one server: told before, told after, and never in the way of the others. */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { PlanItem } from '../domain/plan.ts';
import { watch } from '../migration/watch.ts';
import { record } from '../record.ts';
import type { Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';
import { type Evacuation, hostOf } from './evacuation.ts';
import { type Departure, depart, prepare } from './live-migration.ts';

/** Seconds that a server may be held by another operation before it is left where it is. */
const LOCK_SECONDS = 7200;

const lockOf = ({ id }: PlanItem) => `server#source#${id}`;

/** A tenant's migration and the evacuation of its host never pull at one server (decision 2.10). */
const takeLock = async ({ runtime, item }: Departure) => {
  const { plans, operations, clock, config } = runtime;
  const { at: since } = await plans.intend(item, 'lock');
  const { watchSeconds } = config;
  const what = `server ${item.label}, which another operation holds`;
  await watch({ clock, watchSeconds, since, deadlineSeconds: LOCK_SECONDS, what }, async () =>
    (await operations.lock(item.operation, lockOf(item))) ? true : undefined,
  );
};

/** Tells how it went, once: the first telling holds. Lets the server go. */
export const tellArrival = async (
  runtime: Runtime,
  item: PlanItem,
  outcome: { server: Server } | { reason: string },
): Promise<void> => {
  const { operation, id } = item;
  const data = { id, cloud: 'source' };
  const told = await record(runtime, {
    operation,
    step: `server:${id}/arrival`,
    ...('server' in outcome
      ? { name: 'server live migrated', data: { ...data, host_name: hostOf(outcome.server) } }
      : { name: 'server live migration failed', data: { ...data, reason: outcome.reason } }),
  });
  const { reason } = told.data;
  await runtime.plans.update(item, {
    state: told.name === 'server live migrated' ? 'ready' : 'failed',
    ...(typeof reason === 'string' && { reason }),
  });
  await runtime.operations.unlock(operation, lockOf(item));
};

const tellDeparture = (runtime: Runtime, { operation, id }: PlanItem, after: number) =>
  record(runtime, {
    ...{ operation, step: `server:${id}/departure`, after },
    ...{ name: 'server live migration', data: { id, cloud: 'source' } },
  });

/** One that is on the host no more before we began is nothing to tell of. */
const passOver = async (runtime: Runtime, item: PlanItem) => {
  await runtime.plans.update(item, { state: 'ready' });
  await runtime.operations.unlock(item.operation, lockOf(item));
};

const move = async (departure: Departure) => {
  const { runtime, item } = departure;
  await takeLock(departure);
  const intent = await prepare(departure);
  if (!intent) return passOver(runtime, item);
  await tellDeparture(runtime, item, intent.tail);
  const server = await depart(await reopened(departure), intent);
  await tellArrival(runtime, item, { server });
};

const reopened = async ({ item, ...rest }: Departure): Promise<Departure> => ({
  ...rest,
  item: await rest.runtime.plans.get(item.operation, item),
});

/** Failures of the cloud as a whole, or of time: the state machine tries again. Any other is the server's own. */
const PASSING = ['StillWaiting', 'CloudUnavailable', 'CloudBusy', 'CredentialsRefused'] as const;

const isPassing = (error: unknown) =>
  !(error instanceof PumphouseError) || isError(error, ...PASSING);

/**
 * Moves one server off the host, or tells why it cannot; either way the evacuation goes on.
 *
 * Idempotent: a repeat goes on where the last attempt was.
 * @throws StillWaiting, CloudUnavailable, CloudBusy, CredentialsRefused
 */
export const liveMigrate = async (
  runtime: Runtime,
  evacuation: Evacuation,
  server: string,
): Promise<void> => {
  const item = await runtime.plans.get(evacuation.operation, { type: 'server', id: server });
  if (item.state !== 'planned') return;
  try {
    await move({ runtime, evacuation, item });
  } catch (error) {
    if (isPassing(error)) throw error;
    await tellArrival(runtime, item, { reason: (error as Error).message });
  }
};
