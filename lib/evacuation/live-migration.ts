/** One server leaves its host while it runs. Nova answers 202 before it knows, so only what is read back counts. */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Intent, PlanItem } from '../domain/plan.ts';
import { watch } from '../migration/watch.ts';
import type { Cloud } from '../ports.ts';
import { getServer, type Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';
import { type Evacuation, hostOf } from './evacuation.ts';

/** Seconds that a task in hand (a snapshot, a resize) may take before the server is left where it is. */
const IDLE_SECONDS = 1800;
/** Seconds that one live migration may take: memory by the hundred GiB goes over one network. */
const LIVE_SECONDS = 14_400;

/** The states in which a server's memory can move along. */
const LIVE = ['ACTIVE', 'PAUSED'];

/** https://docs.openstack.org/api-ref/compute/#list-migrations */
interface Migration {
  /** Grows with each migration of a server. */
  id: number;
  status: string;
}

/** One server on its way. */
export interface Departure {
  runtime: Runtime;
  evacuation: Evacuation;
  item: PlanItem;
}

/** A server that its owner has deleted meanwhile is not there. */
export const findServer = (source: Cloud, id: string): Promise<Server | undefined> =>
  getServer(source, id).catch((error: unknown) => {
    if (isError(error, 'ResourceNotFound')) return undefined;
    throw error;
  });

const isBusy = (server: Server) => server['OS-EXT-STS:task_state'] !== null;

const until = <T>(
  { runtime, item }: Departure,
  wait: { since: string; seconds: number; what: string },
  probe: () => Promise<T | undefined>,
) => {
  const { clock, config } = runtime;
  const { since, seconds: deadlineSeconds, what } = wait;
  const { watchSeconds } = config;
  return watch(
    { clock, watchSeconds, since, deadlineSeconds, what: `server ${item.label} ${what}` },
    probe,
  );
};

const migrationsOf = async (source: Cloud, server: string): Promise<Migration[]> => {
  const query = { instance_uuid: server, migration_type: 'live-migration' };
  const found: Migration[] = [];
  const listed = source.list<Migration>('compute', '/os-migrations', 'migrations', { query });
  for await (const one of listed) found.push(one);
  return found.sort((a, b) => a.id - b.id);
};

const failed = (message: string) => new PumphouseError('ResourceFailed', message);

/** Waits until nobody else is at the server; answers it, or nothing when it is on our host no more. */
const untilIdle = async (departure: Departure): Promise<Server | undefined> => {
  const { runtime, evacuation, item } = departure;
  const { at: since } = await runtime.plans.intend(item, 'idle');
  const { seen: server } = await until(
    departure,
    { since, seconds: IDLE_SECONDS, what: 'to be idle' },
    async () => {
      const seen = await findServer(evacuation.source, item.id);
      return seen && isBusy(seen) ? undefined : { seen };
    },
  );
  if (!server || hostOf(server) !== evacuation.host) return undefined;
  if (LIVE.includes(server.status)) return server;
  throw failed(`it is ${server.status}; only ACTIVE and PAUSED servers move while they run`);
};

/**
 * Writes down that the migration begins, and the newest one from before: what Nova lists beyond that
 * is ours, even when its answer was lost.
 */
export const prepare = async (departure: Departure): Promise<Intent | undefined> => {
  const { runtime, evacuation, item } = departure;
  if (!item.intents.depart) {
    if (!(await untilIdle(departure))) return undefined;
    const newest = (await migrationsOf(evacuation.source, item.id)).at(-1)?.id ?? 0;
    await runtime.plans.update(item, { notes: { newest } });
  }
  return runtime.plans.intend(item, 'depart');
};

const ENDED_BADLY = ['error', 'failed', 'cancelled'];

/** What can be read of a migration: the server where it arrived, `asked` while it runs, `idle` before it began. */
const readDeparture = async (
  { source, host }: Evacuation,
  item: PlanItem,
): Promise<Server | 'asked' | 'idle'> => {
  const migrations = await migrationsOf(source, item.id);
  const server = await getServer(source, item.id);
  const ours = migrations.filter(({ id }) => id > Number(item.notes.newest)).at(-1);
  if (isBusy(server)) return 'asked';
  if (server.status === 'ERROR') throw failed(server.fault?.message ?? 'it is in ERROR');
  const moved = hostOf(server) !== host;
  if (!ours) return moved ? server : 'idle';
  if (ENDED_BADLY.includes(ours.status)) throw failed(`Nova ended its migration as ${ours.status}`);
  if (ours.status !== 'completed') return 'asked';
  if (moved) return server;
  throw failed('Nova says that its migration is completed, and it is where it was');
};

/** The scheduler chooses where to; Nova finds out whether the disk has to be copied. @see microversions 2.25, 2.34 */
const ask = (source: Cloud, server: string) =>
  source.post('compute', `/servers/${server}/action`, {
    'os-migrateLive': { host: null, block_migration: 'auto' },
  });

/**
 * Migrates the server and watches until it has arrived; answers it as it is there.
 *
 * Exactly once: asked for only while the server is idle, on the host, and no migration younger than
 * the intent is listed. Nova sets the task state before it answers 202, and the migration is listed
 * before the task state goes again (nova/compute/api.py `live_migrate`, nova/conductor/manager.py).
 * @throws ResourceFailed, StillWaiting, DeadlineExceeded
 */
export const depart = async (departure: Departure, { at: since }: Intent): Promise<Server> => {
  const { evacuation, item } = departure;
  let asked = false;
  const probe = async () => {
    const seen = await readDeparture(evacuation, item);
    if (typeof seen !== 'string') return seen;
    if (seen === 'idle' && !asked) {
      await ask(evacuation.source, item.id);
      asked = true;
    }
    return undefined;
  };
  return until(departure, { since, seconds: LIVE_SECONDS, what: 'to leave its host' }, probe);
};
