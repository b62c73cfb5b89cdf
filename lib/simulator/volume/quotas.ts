/** Cinder's quotas: 413 with `Retry-After`, unlike everybody else. */
import type { SimulatedCloud } from '../cloud.ts';
import { numberOf, omit } from '../reading.ts';
import { badRequest, forbidden, Refusal } from '../refusal.ts';
import { type Call, ok, type Routes, under } from '../router.ts';

const DEFAULTS: Record<string, number> = {
  volumes: 10,
  per_volume_gigabytes: -1,
  snapshots: 10,
  gigabytes: 1000,
  backups: 10,
  backup_gigabytes: 1000,
  volumes_standard: -1,
  gigabytes_standard: -1,
  snapshots_standard: -1,
  volumes___DEFAULT__: -1,
  gigabytes___DEFAULT__: -1,
  snapshots___DEFAULT__: -1,
  groups: 10,
};

const NAMES: Record<string, string> = {
  volumes: 'VolumeLimitExceeded: Maximum number of volumes allowed',
  snapshots: 'SnapshotLimitExceeded: Maximum number of snapshots allowed',
  gigabytes: 'VolumeSizeExceedsAvailableQuota: Maximum gigabytes allowed',
};

const limitsOf = (cloud: SimulatedCloud, projectId: string): Record<string, number> => ({
  ...DEFAULTS,
  ...(omit(cloud.table('volume-quota').get(projectId) ?? {}, ['id']) as Record<string, number>),
});

function usedBy(cloud: SimulatedCloud, projectId: string): Record<string, number> {
  const volumes = cloud.volumes.where((one) => one.project_id === projectId);
  const snapshots = cloud.table('volume-snapshot').where((one) => one.project_id === projectId);
  const sizes = [...volumes, ...snapshots].map((one) => numberOf(one.size));
  return {
    volumes: volumes.length,
    snapshots: snapshots.length,
    gigabytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** Refuses what the caller's project has no room for. */
export function requireVolumeRoom(call: Call, wanted: Record<string, number>): void {
  const limits = limitsOf(call.cloud, call.who.projectId);
  const used = usedBy(call.cloud, call.who.projectId);
  for (const [name, count] of Object.entries(wanted)) {
    const limit = limits[name] ?? -1;
    if (limit >= 0 && (used[name] ?? 0) + count > limit)
      throw new Refusal(413, `${NAMES[name]} (${limit}) exceeded for quota '${name}'.`, '', {
        'Retry-After': '0',
      });
  }
}

function target(call: Call, isChange: boolean): string {
  const id = call.param('target');
  if (!call.who.admin && (isChange || call.who.projectId !== id))
    throw forbidden("Policy doesn't allow volume_extension:quotas:show to be performed.");
  return id;
}

function show(call: Call) {
  const id = target(call, false);
  const limits = limitsOf(call.cloud, id);
  if (!/^true$/i.test(call.query.get('usage') ?? '')) return ok({ quota_set: { ...limits, id } });
  const used = usedBy(call.cloud, id);
  const detailed = Object.entries(limits).map(([name, limit]) => [
    name,
    { limit, in_use: used[name] ?? 0, reserved: 0 },
  ]);
  return ok({ quota_set: { ...Object.fromEntries(detailed), id } });
}

function change(call: Call) {
  const id = target(call, true);
  const quota = call.cloud.table('volume-quota');
  const entries = Object.entries(under(call, 'quota_set')).filter(([name]) => name !== 'tenant_id');
  for (const [name, value] of entries)
    if (!(name in DEFAULTS) || numberOf(value, -2) < -1)
      throw badRequest(`Bad key(s) in quota set: ${name}`);
  const numbers = entries.map(([name, value]) => [name, numberOf(value)]);
  quota.put({ ...quota.get(id), ...Object.fromEntries(numbers), id });
  return ok({ quota_set: limitsOf(call.cloud, id) });
}

function limits(call: Call) {
  const max = limitsOf(call.cloud, call.who.projectId);
  const used = usedBy(call.cloud, call.who.projectId);
  const absolute = {
    maxTotalVolumes: max.volumes,
    maxTotalSnapshots: max.snapshots,
    maxTotalVolumeGigabytes: max.gigabytes,
    maxTotalBackups: max.backups,
    maxTotalBackupGigabytes: max.backup_gigabytes,
    totalVolumesUsed: used.volumes,
    totalGigabytesUsed: used.gigabytes,
    totalSnapshotsUsed: used.snapshots,
    totalBackupsUsed: 0,
    totalBackupGigabytesUsed: 0,
  };
  return ok({ limits: { rate: [], absolute } });
}

const BASE = '/:project/os-quota-sets/:target';

export const volumeQuotaRoutes: Routes = {
  [`GET ${BASE}`]: show,
  [`GET ${BASE}/defaults`]: (call) => ok({ quota_set: { ...DEFAULTS, id: call.param('target') } }),
  [`PUT ${BASE}`]: change,
  [`DELETE ${BASE}`]: (call) => {
    call.cloud.table('volume-quota').drop(target(call, true));
    return ok(undefined);
  },
  'GET /:project/limits': limits,
};
