/** The records of moves, and the two ways to end a live one early. */
import type { Fields, Migration } from '../model.ts';
import { page } from '../paging.ts';
import { requireAdmin } from '../policy.ts';
import { numberOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { accepted, type Call, ok, type Routes } from '../router.ts';
import { endLive } from './moves.ts';
import { serverOf } from './servers.ts';
import { bookmark } from './view.ts';

const UUID_SINCE = 59;
const OWNER_SINCE = 80;
const ACTIVE = ['accepted', 'preparing', 'running', 'post-migrating', 'queued'];

const isLiveNow = (one: Migration) => one.type === 'live-migration' && ACTIVE.includes(one.status);

function view(call: Call, one: Migration): Fields {
  const isHost = one.type !== 'live-migration' && one.dest !== null;
  return {
    id: one.number,
    ...(call.version >= UUID_SINCE ? { uuid: one.id } : {}),
    source_compute: one.source,
    dest_compute: one.dest,
    source_node: one.source,
    dest_node: one.dest,
    dest_host: isHost ? '192.168.0.1' : null,
    old_instance_type_id: 1,
    new_instance_type_id: 1,
    instance_uuid: one.server_id,
    status: one.status,
    ...(call.version >= 23 ? { migration_type: one.type } : {}),
    ...(call.version >= OWNER_SINCE ? { user_id: one.user_id, project_id: one.project_id } : {}),
    created_at: one.created_at,
    updated_at: one.updated_at,
    ...(isLiveNow(one) && call.version >= 23 ? { links: linksOf(call, one) } : {}),
  };
}

const linksOf = (call: Call, one: Migration) => {
  const path = `servers/${one.server_id}/migrations/${one.number}`;
  const self = { rel: 'self', href: `${call.cloud.origin()}/compute/v2.1/${path}` };
  return [self, bookmark(call, `servers/${one.server_id}/migrations`, String(one.number))];
};

const FILTERS: Record<string, (one: Migration) => unknown> = {
  instance_uuid: (one) => one.server_id,
  status: (one) => one.status,
  host: (one) => one.source,
  source_compute: (one) => one.source,
  migration_type: (one) => one.type,
  user_id: (one) => one.user_id,
  project_id: (one) => one.project_id,
};

function list(call: Call) {
  requireAdmin(call, 'os_compute_api:os-migrations:index');
  const all = call.cloud.migrations
    .all()
    .reverse()
    .filter((one) =>
      Object.entries(FILTERS).every(([name, of]) => {
        const value = call.query.get(name);
        return value === null || of(one) === value || (name === 'host' && one.dest === value);
      }),
    );
  const { items, next } = page(call, all, (one) => one.id, {
    unknownMarker: (marker) => badRequest(`Marker ${marker} not found.`),
    badLimit: (limit) => badRequest(`Invalid input for query parameters limit. Value: ${limit}.`),
  });
  const href = `${call.cloud.origin()}/compute/v2.1/os-migrations?${next}`;
  return ok({
    migrations: items.map((one) => view(call, one)),
    ...(next ? { migrations_links: [{ rel: 'next', href }] } : {}),
  });
}

const MIB = 1024 ** 2;

/** How much of the time between its beginning and its arrival has passed, from 0 to 1. */
function passed(call: Call, one: Migration): number | undefined {
  const { cloud } = call;
  const arrival = cloud.due.find(
    (due) => due.task === 'live.moved' && due.data.migration === one.id,
  );
  const began = numberOf(one.began);
  if (one.status !== 'running' || !arrival || !began) return undefined;
  const whole = Math.max(1, arrival.at - began);
  return Math.min(1, Math.max(0, (cloud.now().getTime() - began) / whole));
}

/** Of the memory, while it is copied; of the disk Nova's drivers tell zeros, whatever they copy. */
function figures(call: Call, one: Migration): Fields {
  const share = passed(call, one);
  const total = one.new_flavor.ram * MIB;
  const processed = share === undefined ? null : Math.round(total * share);
  const known = processed !== null;
  return {
    memory_total_bytes: known ? total : null,
    memory_processed_bytes: processed,
    memory_remaining_bytes: known ? total - processed : null,
    disk_total_bytes: known ? 0 : null,
    disk_processed_bytes: known ? 0 : null,
    disk_remaining_bytes: known ? 0 : null,
  };
}

/** One in progress, below its server. */
const progress = (call: Call, one: Migration): Fields => ({
  created_at: one.created_at,
  dest_compute: one.dest,
  dest_host: null,
  dest_node: one.dest,
  ...figures(call, one),
  id: one.number,
  server_uuid: one.server_id,
  source_compute: one.source,
  source_node: one.source,
  status: one.status,
  updated_at: one.updated_at,
  ...(call.version >= UUID_SINCE ? { uuid: one.id } : {}),
  ...(call.version >= OWNER_SINCE ? { user_id: one.user_id, project_id: one.project_id } : {}),
});

function liveOf(call: Call): Migration | undefined {
  requireAdmin(call, 'os_compute_api:servers:migrations:show');
  const server = serverOf(call);
  return call.cloud.migrations.find(
    (one) => one.server_id === server.id && String(one.number) === call.param('number'),
  );
}

function show(call: Call) {
  const one = liveOf(call);
  const [number, server] = [call.param('number'), call.param('id')];
  if (!one) throw notFound(`Migration ${number} not found for instance ${server}`);
  if (!isLiveNow(one))
    throw notFound(`Live migration ${number} for server ${server} is not in progress.`);
  return ok({ migration: progress(call, one) });
}

function abort(call: Call) {
  const one = liveOf(call);
  const server = serverOf(call);
  if (server.task_state !== 'migrating')
    throw conflict(`Instance ${server.id} is in an invalid state for 'abort live migration'`);
  if (!one) throw notFound(`Migration ${call.param('number')} not found.`);
  const allowed = call.version >= 65 ? ACTIVE : ['running'];
  if (!allowed.includes(one.status))
    throw badRequest(
      `Migration ${one.number} state of instance ${server.id} is ${one.status}. Cannot abort while the migration is in this state.`,
    );
  if (server.host === one.source) endLive(call.cloud, server, one, 'cancelled');
  return accepted();
}

function force(call: Call) {
  const one = liveOf(call);
  const server = serverOf(call);
  if (server.task_state !== 'migrating')
    throw conflict(`Instance ${server.id} is in an invalid state for 'force_complete'`);
  if (!one) throw notFound(`Migration ${call.param('number')} not found.`);
  if (one.status !== 'running')
    throw badRequest(
      `Migration ${one.number} state of instance ${server.id} is ${one.status}. Cannot force complete while the migration is in this state.`,
    );
  call.cloud.later(0, 'live.moved', server.id, { migration: one.id });
  return accepted();
}

export const migrationRoutes: Routes = {
  'GET /os-migrations': list,
  'GET /servers/:id/migrations': (call) => {
    requireAdmin(call, 'os_compute_api:servers:migrations:index');
    const server = serverOf(call);
    const live = call.cloud.migrations.where(
      (one) => one.server_id === server.id && isLiveNow(one),
    );
    return ok({ migrations: live.map((one) => progress(call, one)) });
  },
  'GET /servers/:id/migrations/:number': show,
  'DELETE /servers/:id/migrations/:number': abort,
  'POST /servers/:id/migrations/:number/action': force,
};
