/** Volume snapshots. */
import type { Transitions } from '../due.ts';
import type { Fields, Item, Server, Volume } from '../model.ts';
import { page } from '../paging.ts';
import { mayUse } from '../policy.ts';
import { isTrue, numberOf, pick, recordOf, textOf } from '../reading.ts';
import { badRequest, notFound } from '../refusal.ts';
import { accepted, type Call, ok, type Routes, under } from '../router.ts';
import { requireVolumeRoom } from './quotas.ts';
import { volumeOf } from './volumes.ts';

const SNAPSHOT_SECONDS = 1;

const FIELDS = [
  ...['id', 'created_at', 'updated_at', 'name', 'description', 'volume_id', 'status', 'size'],
  ...['metadata'],
];

function view(call: Call, snapshot: Item, full = true): Fields {
  const since = (version: number, fields: Fields) => (call.version >= version ? fields : {});
  return {
    ...pick(snapshot, FIELDS),
    ...since(14, { group_snapshot_id: null }),
    ...since(41, { user_id: snapshot.user_id }),
    ...since(65, { consumes_quota: true }),
    ...(full
      ? {
          'os-extended-snapshot-attributes:project_id': snapshot.project_id,
          'os-extended-snapshot-attributes:progress': '100%',
        }
      : {}),
  };
}

function newSnapshot(call: Call, volume: Volume, input: Fields): Item {
  requireVolumeRoom(call, { snapshots: 1, gigabytes: volume.size });
  const { cloud } = call;
  const snapshot = cloud.table('volume-snapshot').put({
    id: cloud.newId(),
    name: textOf(input.name) || null,
    description: textOf(input.description) || null,
    volume_id: volume.id,
    project_id: volume.project_id,
    user_id: call.who.userId,
    status: 'creating',
    size: volume.size,
    metadata: recordOf(input.metadata),
    created_at: cloud.stampMicros(),
    updated_at: null,
  });
  cloud.later(SNAPSHOT_SECONDS, 'volume-snapshot.created', snapshot.id);
  return snapshot;
}

function create(call: Call) {
  const input = under(call, 'snapshot');
  const volume = volumeOf(call, textOf(input.volume_id));
  const isUsable = volume.status === 'available' || volume.status === 'in-use';
  if (!isUsable && !isTrue(input.force))
    throw badRequest(
      `Invalid volume: Volume ${volume.id} status must be available, but current status is: ${volume.status}.`,
    );
  return accepted({ snapshot: view(call, newSnapshot(call, volume, input), false) });
}

/** Snapshots of a server's volumes, as the block device mapping that its image carries. */
export function snapshotVolumes(call: Call, server: Server, name: string): Fields[] {
  return server.volumes.flatMap((one) => {
    const volume = call.cloud.volumes.get(one.volume_id);
    if (!volume) return [];
    const snapshot = newSnapshot(call, volume, { name: `snapshot for ${name}` });
    return {
      source_type: 'snapshot',
      destination_type: 'volume',
      snapshot_id: snapshot.id,
      volume_size: volume.size,
      boot_index: one.boot ? 0 : null,
      device_name: one.device,
      delete_on_termination: one.delete_on_termination,
    };
  });
}

function snapshotOf(call: Call): Item {
  const snapshot = call.cloud.table('volume-snapshot').get(call.param('id'));
  if (!snapshot || !mayUse(call, snapshot.project_id))
    throw notFound(`Snapshot ${call.param('id')} could not be found.`);
  return snapshot;
}

const list = (call: Call) => {
  const everyone = call.who.admin && isTrue(call.query.get('all_tenants'));
  const project = everyone ? call.query.get('project_id') : call.who.projectId;
  const all = call.cloud
    .table('volume-snapshot')
    .where(
      (one) =>
        (project === null || one.project_id === project) &&
        ['name', 'status', 'volume_id'].every(
          (name) => (call.query.get(name) ?? one[name]) === one[name],
        ),
    );
  const { items, next } = page(call, all.reverse(), (one) => one.id, {
    unknownMarker: (marker) => notFound(`Snapshot ${marker} could not be found.`),
    badLimit: (limit) =>
      badRequest(`Invalid input received: limit param must be an integer: ${limit}`),
  });
  const href = `${call.cloud.origin()}/volume/v3${call.path}?${next}`;
  return ok({
    snapshots: items.map((one) => view(call, one, call.path.endsWith('/detail'))),
    ...(next ? { snapshots_links: [{ rel: 'next', href }] } : {}),
  });
};

const BASE = '/:project/snapshots';

export const snapshotRoutes: Routes = {
  [`GET ${BASE}`]: list,
  [`GET ${BASE}/detail`]: list,
  [`POST ${BASE}`]: create,
  [`GET ${BASE}/:id`]: (call) => ok({ snapshot: view(call, snapshotOf(call)) }),
  [`DELETE ${BASE}/:id`]: (call) => {
    const snapshot = snapshotOf(call);
    if (!['available', 'error'].includes(textOf(snapshot.status)))
      throw badRequest('Invalid snapshot: Snapshot status must be available or error.');
    call.cloud.table('volume-snapshot').put({ ...snapshot, status: 'deleting' });
    call.cloud.later(numberOf(SNAPSHOT_SECONDS), 'volume-snapshot.deleted', snapshot.id);
    return accepted('', { 'Content-Type': 'text/html; charset=UTF-8' });
  },
};

export const volumeSnapshotTransitions: Transitions = {
  'volume-snapshot.created': (cloud, due) => {
    const snapshot = cloud.table('volume-snapshot').get(due.subject);
    if (snapshot?.status === 'creating')
      cloud
        .table('volume-snapshot')
        .put({ ...snapshot, status: 'available', updated_at: cloud.stampMicros() });
  },
  'volume-snapshot.deleted': (cloud, due) => {
    cloud.table('volume-snapshot').drop(due.subject);
  },
};
