/** One server leaves its host while it runs. Nova answers 202 before it knows, so only what is read back counts. */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Intent } from '../domain/plan.ts';
import { isBusy } from '../migration/server/states.ts';
import { getServer, type Server } from '../resources/server.ts';
import { hostOf } from './evacuation.ts';
import type { Journey } from './journey.ts';
import { type NovaMigration, ourMigration, refuseFailed } from './nova-migrations.ts';
import { tellProgress } from './progress.ts';

/** Seconds that Nova may take to end a migration that it was told to abort. */
const ABORT_SECONDS = 600;

interface Sight {
  server: Server;
  /** Ours, once Nova lists it. */
  migration: NovaMigration | undefined;
}

const failed = (message: string) => new PumphouseError('ResourceFailed', message);

/**
 * The server first: Nova sets its task state before it answers 202, and lists the migration before
 * the task state goes again (nova/compute/api.py `live_migrate`, nova/conductor/manager.py). So a
 * server that is idle, and then no migration, was not asked for.
 */
const look = async (journey: Journey): Promise<Sight> => {
  const server = await getServer(journey.source, journey.item.id);
  return { server, migration: await ourMigration(journey) };
};

/** The server where it has arrived; nothing while it has not. @throws ResourceFailed */
const arrived = ({ notes }: Journey, { server, migration }: Sight): Server | undefined => {
  if (isBusy(server)) return undefined;
  if (server.status === 'ERROR') throw failed(server.fault?.message ?? 'it is in ERROR');
  const moved = hostOf(server) !== notes.from;
  if (!migration) return moved ? server : undefined;
  if (migration.status === 'cancelled' && notes.aborted) throw failed(notes.aborted);
  refuseFailed(migration);
  if (migration.status !== 'completed') return undefined;
  if (moved) return server;
  throw failed('Nova says that its migration is completed, and it is where it was');
};

/** What Nova refuses because the migration is just not there to steer, or not any more. */
const unlessTooLate = async (call: Promise<unknown>): Promise<boolean> => {
  try {
    await call;
    return true;
  } catch (error) {
    if (isError(error, 'RequestRefused', 'ResourceConflict', 'ResourceNotFound')) return false;
    throw error;
  }
};

/** Why the migration is to be aborted, if so. */
const whyAbort = ({ evacuation }: Journey, seconds: number): string | undefined => {
  const { timeout } = evacuation.input;
  if (evacuation.cancelled) return 'its migration was aborted: the evacuation was cancelled';
  return seconds > timeout
    ? `its migration was aborted: it took more than ${timeout} s`
    : undefined;
};

/**
 * Aborts or forces the migration that is on its way, where it is time for it.
 * @see https://docs.openstack.org/api-ref/compute/#server-migrations-servers-migrations
 */
const steer = async (journey: Journey, migration: NovaMigration, seconds: number) => {
  const { source, item, notes, evacuation, note } = journey;
  const path = `/servers/${item.id}/migrations/${migration.id}`;
  const abort = whyAbort(journey, seconds);
  if (abort && !notes.aborted) {
    const done = await unlessTooLate(source.delete('compute', path));
    if (done) await note({ aborted: abort, final: true });
    return;
  }
  const { forceComplete } = evacuation.input;
  if (!forceComplete || seconds < forceComplete || notes.forced) return;
  if (migration.status !== 'running') return;
  const force = source.post('compute', `${path}/action`, { force_complete: null });
  if (await unlessTooLate(force)) await note({ forced: true });
};

/** Nova finds out whether the disk has to be copied, and where to if nobody says. @see microversions 2.25, 2.34 */
const ask = ({ source, item, notes, evacuation }: Journey) => {
  if (evacuation.cancelled) throw new PumphouseError('OperationCancelled', 'it was cancelled');
  return source.post('compute', `/servers/${item.id}/action`, {
    'os-migrateLive': { host: notes.to ?? null, block_migration: 'auto' },
  });
};

const travel = async (journey: Journey, intent: Intent): Promise<void> => {
  const { evacuation, runtime, until } = journey;
  let asked = false;
  const seconds = evacuation.input.timeout + ABORT_SECONDS;
  await until(intent, 'to leave its host', seconds, async () => {
    const sight = await look(journey);
    const there = arrived(journey, sight);
    if (there) return there;
    const elapsed = (runtime.clock.now().getTime() - Date.parse(intent.at)) / 1000;
    if (sight.migration && isBusy(sight.server)) {
      await steer(journey, sight.migration, elapsed);
      await tellProgress(journey, intent, sight.migration, elapsed);
    }
    if (!sight.migration && !isBusy(sight.server) && !asked) {
      await ask(journey);
      asked = true;
    }
    return undefined;
  });
};

/**
 * Migrates the server and watches until it has arrived.
 *
 * Exactly once: asked for only while the server is idle, on its host, and no migration younger than
 * the journey is listed. One that takes too long, or is cancelled, is aborted.
 * @throws ResourceFailed, StillWaiting, DeadlineExceeded, OperationCancelled
 */
export const liveMigrate = (journey: Journey): Promise<void> =>
  journey.once('depart', async (intent) => {
    await journey.tell(intent, 'server live migration');
    await travel(journey, intent);
  });
