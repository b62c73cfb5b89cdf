/** Servers on the move: live migration, cold migration with confirm and revert. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import type { Migration, Server } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { numberOf, recordOf, textOf } from '../reading.ts';
import { badRequest } from '../refusal.ts';
import { type Answer, accepted, type Call, noContent } from '../router.ts';
import { requireState } from './actions.ts';
import { bindPorts } from './boot.ts';
import { isServing, pickHost } from './hosts.ts';
import { changeServer } from './servers.ts';

const PREPARE_SECONDS = 1;
const LIVE_SECONDS = 2;
const FINISH_SECONDS = 0.3;
const COLD_SECONDS = 3;
const CONFIRM_SECONDS = 1;
const REVERT_SECONDS = 2;
const NULLABLE_BLOCK_SINCE = 25;

function newMigration(
  call: Call,
  server: Server,
  type: Migration['type'],
  dest: string | null,
): Migration {
  const { cloud } = call;
  return cloud.migrations.put({
    id: cloud.newId(),
    number: cloud.next('migration'),
    server_id: server.id,
    source: server.host ?? '',
    dest,
    status: 'accepted',
    type,
    user_id: call.who.userId,
    project_id: call.who.projectId,
    created_at: cloud.stampMicros(),
    updated_at: null,
    old_flavor: server.flavor,
    new_flavor: server.flavor,
    power_state: server.power_state,
    vm_state: server.vm_state,
  });
}

export function setMigration(
  cloud: SimulatedCloud,
  migration: Migration,
  changes: Partial<Migration>,
): Migration {
  return cloud.migrations.put({
    ...migration,
    ...changes,
    updated_at: cloud.stampMicros(),
  } as Migration);
}

function requireHost(call: Call, name: string): void {
  const host = call.cloud.hosts.find((one) => one.name === name);
  if (!host) throw badRequest(`Compute host ${name} could not be found.`);
}

export function liveMigrate(call: Call, server: Server): Answer {
  requireAdmin(call, 'os_compute_api:os-migrate-server:migrate_live');
  const input = recordOf(call.body['os-migrateLive']);
  if (input.block_migration === undefined)
    throw badRequest(
      "Invalid input for field/attribute os-migrateLive. Value: {}. 'block_migration' is a required property",
    );
  if (call.version < NULLABLE_BLOCK_SINCE && input.disk_over_commit === undefined)
    throw badRequest(
      "Invalid input for field/attribute os-migrateLive. Value: {}. 'disk_over_commit' is a required property",
    );
  const wanted = textOf(input.host);
  requireState(server, 'os-migrateLive', ['active', 'paused']);
  if (wanted) requireHost(call, wanted);
  const { cloud } = call;
  changeServer(cloud, server, { task_state: 'migrating' });
  const migration = newMigration(call, server, 'live-migration', null);
  const data = { migration: migration.id, wanted };
  cloud.later(PREPARE_SECONDS / 2, 'live.scheduled', server.id, data);
  return accepted();
}

export function migrate(call: Call, server: Server): Answer {
  requireAdmin(call, 'os_compute_api:os-migrate-server:migrate');
  const wanted = textOf(recordOf(call.body.migrate).host);
  requireState(server, 'migrate', ['active', 'stopped']);
  if (wanted) requireHost(call, wanted);
  const { cloud } = call;
  if (wanted && wanted === server.host)
    throw badRequest('Cannot migrate to the host where the server exists.');
  const dest = pickHost(cloud, server, wanted, server.host ?? '') ?? null;
  const migration = newMigration(call, server, 'migration', dest);
  setMigration(cloud, migration, { status: 'migrating' });
  changeServer(cloud, server, { task_state: 'resize_migrating' });
  cloud.later(COLD_SECONDS, 'cold.finished', server.id, { migration: migration.id });
  return accepted();
}

const finished = (cloud: SimulatedCloud, server: Server): Migration | undefined =>
  cloud.migrations.where((one) => one.server_id === server.id && one.status === 'finished').at(-1);

export function confirm(call: Call, server: Server): Answer {
  requireState(server, 'confirmResize', ['resized']);
  const migration = finished(call.cloud, server);
  if (!migration) throw badRequest('Instance has not been resized.');
  setMigration(call.cloud, migration, { status: 'confirming' });
  call.cloud.later(CONFIRM_SECONDS, 'cold.confirmed', server.id, { migration: migration.id });
  return noContent();
}

export function revert(call: Call, server: Server): Answer {
  requireState(server, 'revertResize', ['resized']);
  const migration = finished(call.cloud, server);
  if (!migration) throw badRequest('Instance has not been resized.');
  setMigration(call.cloud, migration, { status: 'reverting' });
  changeServer(call.cloud, server, { task_state: 'resize_reverting' });
  call.cloud.later(REVERT_SECONDS, 'cold.reverted', server.id, { migration: migration.id });
  return accepted();
}

/** Ends a migration that keeps its server free of any task: the server is free again, on whichever host it is by now. */
export function endLive(
  cloud: SimulatedCloud,
  server: Server,
  migration: Migration,
  status: string,
): void {
  setMigration(cloud, migration, { status });
  changeServer(cloud, server, { task_state: null });
}

/** The pair that a transition is about, while the migration is in one of the states. */
function pair(
  cloud: SimulatedCloud,
  serverId: string,
  migrationId: unknown,
  states: readonly string[],
): { server: Server; migration: Migration } | undefined {
  const server = cloud.servers.get(serverId);
  const migration = cloud.migrations.get(textOf(migrationId));
  if (!server || !migration || !states.includes(migration.status)) return undefined;
  return { server, migration };
}

function arrive(cloud: SimulatedCloud, server: Server, host: string): Server {
  bindPorts(cloud, server, host);
  return changeServer(cloud, server, { host });
}

export const moveTransitions: Transitions = {
  'live.scheduled': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['accepted']);
    if (!both) return;
    const { server, migration } = both;
    const dest = pickHost(cloud, server, textOf(due.data.wanted), server.host ?? '');
    if (!dest) return endLive(cloud, server, migration, 'error');
    setMigration(cloud, migration, { status: 'preparing', dest });
    cloud.later(PREPARE_SECONDS / 2, 'live.running', server.id, due.data, due.at);
  },
  'live.running': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['preparing']);
    if (!both) return;
    setMigration(cloud, both.migration, { status: 'running', began: due.at });
    const time = numberOf(both.server.metadata.bed_seconds, LIVE_SECONDS);
    cloud.later(time, 'live.moved', due.subject, due.data, due.at);
  },
  'live.moved': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['running']);
    if (!both) return;
    const { server, migration } = both;
    const isLost = !isServing(cloud, migration.dest ?? '');
    if (server.metadata.bed_fault === 'live-migration' || isLost)
      return endLive(cloud, server, migration, 'failed');
    arrive(cloud, server, migration.dest ?? '');
    cloud.later(FINISH_SECONDS, 'live.completed', server.id, due.data, due.at);
  },
  'live.completed': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['running']);
    if (both) endLive(cloud, both.server, both.migration, 'completed');
  },
  'cold.finished': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['migrating']);
    if (!both) return;
    const { server, migration } = both;
    if (!migration.dest) return endLive(cloud, server, migration, 'error');
    setMigration(cloud, migration, { status: 'finished' });
    const there = arrive(cloud, server, migration.dest ?? '');
    changeServer(cloud, there, { vm_state: 'resized', task_state: null });
  },
  'cold.confirmed': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['confirming']);
    if (!both) return;
    const { vm_state, power_state } = both.migration;
    setMigration(cloud, both.migration, { status: 'confirmed' });
    changeServer(cloud, both.server, { vm_state, power_state, task_state: null });
  },
  'cold.reverted': (cloud, due) => {
    const both = pair(cloud, due.subject, due.data.migration, ['reverting']);
    if (!both) return;
    const { server, migration } = both;
    setMigration(cloud, migration, { status: 'reverted' });
    const back = arrive(cloud, server, migration.source);
    const { vm_state, power_state } = migration;
    changeServer(cloud, back, { vm_state, power_state, task_state: null });
  },
};
