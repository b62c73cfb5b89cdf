/** Before a server is touched: nobody else is at it, it can be moved, and how and where to is written down. */
import { PumphouseError } from '../domain/errors.ts';
import type { Intent } from '../domain/plan.ts';
import type { Server } from '../resources/server.ts';
import { hostOf } from './evacuation.ts';
import { BACK, findServer, isJourney, type Journey, lockOf } from './journey.ts';
import { newestMigration } from './nova-migrations.ts';
import { chooseTarget } from './target.ts';
import { adviceFor, isOccupied, type Way, wayOf } from './ways.ts';

/** Seconds that a task in hand (a snapshot, a resize) may take before the server is left where it is. */
const IDLE_SECONDS = 1800;
/** Seconds that a server may be held by another operation before it is left where it is. */
const LOCK_SECONDS = 7200;

/** What the state machine is told of a server: how it travels, or that there is nothing to do. */
export type Finding = Way | 'nothing';

const failed = (message: string) => new PumphouseError('ResourceFailed', message);

/** Why nothing new is begun any more, if so. A way back is begun whatever has failed before. */
const whyStopped = async ({ runtime, evacuation, item }: Journey): Promise<string | undefined> => {
  const { schedule } = evacuation.input;
  if (schedule && !item.type.startsWith(BACK) && runtime.clock.now() > new Date(schedule.until)) {
    return `it was not begun: the window of the schedule ended at ${schedule.until}`;
  }
  if (evacuation.cancelled) return 'it was not begun: the evacuation was cancelled';
  if (evacuation.input.onError === 'continue' || item.type.startsWith(BACK)) return undefined;
  const items = await runtime.plans.list(item.operation);
  const bad = items.find((one) => isJourney(one) && one.state === 'failed' && !one.notes.skipped);
  return bad && `it was not begun, since server ${bad.label} has failed`;
};

/** A tenant's migration and the evacuation of its host never pull at one server (decision 2.10). */
const takeLock = async ({ runtime, evacuation, item, until }: Journey, intent: Intent) => {
  const seconds = Math.min(LOCK_SECONDS, evacuation.input.timeout);
  await until(intent, 'to be let go by another operation, which holds it', seconds, async () =>
    (await runtime.operations.lock(item.operation, lockOf(item))) ? true : undefined,
  );
};

/** Waits until nobody else is at the server; answers it, or nothing when it is gone. */
const untilIdle = async ({ evacuation, source, item, until, runtime }: Journey) => {
  const intent = await runtime.plans.intend(item, 'idle');
  const seconds = Math.min(IDLE_SECONDS, evacuation.input.timeout);
  const { seen } = await until(intent, 'to be idle', seconds, async () => {
    const server = await findServer(source, item.id);
    return server && isOccupied(server) ? undefined : { seen: server };
  });
  return seen;
};

const planWay = async (journey: Journey, server: Server): Promise<void> => {
  const { note, source, item } = journey;
  const way = wayOf(server);
  if (!way) {
    await note({ by_hand: true });
    throw failed(adviceFor(server));
  }
  const to = await chooseTarget(journey, server);
  const newest = await newestMigration(source, item.id, way);
  await note({ way, newest, state: server.status, ...(to && { to }) });
};

const look = async (journey: Journey, intent: Intent): Promise<void> => {
  const { runtime, item, notes, note } = journey;
  const stopped = await whyStopped(journey);
  if (stopped) {
    await note({ skipped: true });
    throw failed(stopped);
  }
  await takeLock(journey, intent);
  const server = await untilIdle(journey);
  if (server && hostOf(server) === notes.from) return planWay(journey, server);
  // It is on the host no more before we began: nothing to tell of.
  await runtime.plans.update(item, { state: 'ready', notes: { way: 'nothing' } });
  await runtime.operations.unlock(item.operation, lockOf(item));
};

/**
 * Locks the server, waits until no task is in hand, and settles how it travels. Its state is noted
 * before anything is done to it, so that it can be given back whatever happens.
 *
 * Idempotent. A journey that has failed before fails again, so that it is undone to its end.
 * @throws ResourceFailed for a server that must be left where it is, DeadlineExceeded, StillWaiting
 */
export const examine = async (journey: Journey): Promise<Finding> => {
  const { item, notes, once } = journey;
  if (item.state !== 'planned') return 'nothing';
  if (notes.failure) throw failed(notes.failure);
  await once('examine', (intent) => look(journey, intent));
  return journey.notes.way as Finding;
};
