/** The end of a journey: the server is as it was before, and what became of it is told once. */
import type { EventData, EventName } from '../domain/event.ts';
import { record } from '../record.ts';
import { getServer, type Server } from '../resources/server.ts';
import { revert } from './cold.ts';
import { hostOf } from './evacuation.ts';
import { findServer, type Journey, lockOf } from './journey.ts';
import { suspendAgain } from './rest.ts';

const ARRIVED: Record<string, EventName> = {
  live: 'server live migrated',
  wake: 'server live migrated',
  cold: 'server cold migrated',
};
const FAILED: Record<string, EventName> = {
  live: 'server live migration failed',
  wake: 'server live migration failed',
  cold: 'server cold migration failed',
};

/** Tells how it went: the first telling holds. Then lets the server go. */
const tellEnd = async (journey: Journey, name: EventName, data: EventData): Promise<void> => {
  const { runtime, item } = journey;
  const { operation, type, id } = item;
  const told = await record(runtime, {
    ...{ operation, step: `${type}:${id}/end`, name },
    data: { id, cloud: 'source', ...data },
  });
  const { reason, host_name } = told.data;
  await runtime.plans.update(item, {
    state: typeof reason === 'string' ? 'failed' : 'ready',
    ...(typeof reason === 'string' && { reason }),
    ...(typeof host_name === 'string' && { notes: { host: host_name } }),
  });
  await runtime.operations.unlock(operation, lockOf(item));
};

const tellArrival = (journey: Journey, server: Server) =>
  tellEnd(journey, ARRIVED[String(journey.notes.way)] ?? 'server live migrated', {
    host_name: hostOf(server),
  });

const tellFailure = (journey: Journey, reason: string) => {
  const { notes, item } = journey;
  const name = item.intents.depart ? FAILED[String(notes.way)] : undefined;
  return tellEnd(journey, name ?? 'server not moved', { reason });
};

/** A server that its owner has deleted meanwhile is nothing to tell of. */
const passOver = async ({ runtime, item }: Journey) => {
  await runtime.plans.update(item, { state: 'ready' });
  await runtime.operations.unlock(item.operation, lockOf(item));
};

/** Brings the server that has moved to the state that it was found in, and says where it is. Idempotent. */
export const settle = async (journey: Journey): Promise<void> => {
  if (journey.item.state !== 'planned') return;
  await suspendAgain(journey);
  await tellArrival(journey, await getServer(journey.source, journey.item.id));
};

/** Undoes what was begun: a cold move that was not confirmed is reverted, what was resumed is suspended. */
const restore = async (journey: Journey) => {
  await suspendAgain(journey);
  if (journey.notes.way === 'cold' && journey.item.intents.depart) await revert(journey);
};

/**
 * Ends a journey that has failed: why is remembered first, then what was begun is undone, then it is
 * told. A server that turns out to have arrived after all, as it was, has arrived.
 *
 * Idempotent.
 * @throws StillWaiting, ResourceFailed or DeadlineExceeded when the undo fails
 */
export const leave = async (journey: Journey, why: string): Promise<void> => {
  const { item, source, notes, note } = journey;
  if (item.state !== 'planned') return;
  if (!notes.failure) await note({ failure: why });
  if (!(await findServer(source, item.id))) return passOver(journey);
  await restore(journey);
  const server = await getServer(source, item.id);
  const moved = item.intents.depart && hostOf(server) !== notes.from;
  if (moved && server.status === notes.state) return tellArrival(journey, server);
  await tellFailure(journey, String(journey.notes.failure));
};

/** Ends a journey whose own state machine died, without a look at the cloud. Idempotent. */
export const giveUp = async (journey: Journey, why: string): Promise<void> => {
  const { item, notes, note } = journey;
  if (item.state !== 'planned') return;
  await note({ final: true });
  const first = notes.failure ?? why;
  const undo = first === why ? '' : `; and its undo: ${why}`;
  const state = item.intents.wake ? `; it was ${notes.state} before` : '';
  await tellFailure(journey, `${first}${undo}${state}`);
};
