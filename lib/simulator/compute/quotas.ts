/** Nova's quotas and the limits that a tenant sees. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Flavor } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { numberOf, omit, textOf } from '../reading.ts';
import { badRequest, forbidden } from '../refusal.ts';
import { accepted, type Call, ok, type Routes, under } from '../router.ts';

const DEFAULTS: Record<string, number> = {
  cores: 20,
  instances: 10,
  key_pairs: 100,
  metadata_items: 128,
  ram: 51_200,
  server_group_members: 10,
  server_groups: 10,
};

/** Gone with 2.36 and 2.57, when Nova stopped speaking for networks and injected files. */
const OLD: Record<string, number> = {
  fixed_ips: -1,
  floating_ips: -1,
  security_groups: -1,
  security_group_rules: -1,
};
const OLD_FILES: Record<string, number> = {
  injected_files: 5,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
};

const rowOf = (cloud: SimulatedCloud, id: string) =>
  omit(cloud.table('compute-quota').get(id) ?? {}, ['id']) as Record<string, number>;

/** What a project has when nobody said otherwise; a row `default` of the cloud's own is above Nova's figures. */
const usualLimits = (cloud: SimulatedCloud) => ({ ...DEFAULTS, ...rowOf(cloud, 'default') });

export const limitsOf = (cloud: SimulatedCloud, projectId: string): Record<string, number> => ({
  ...usualLimits(cloud),
  ...rowOf(cloud, projectId),
});

export const groupLimit = (call: Call): number => {
  const limit = limitsOf(call.cloud, call.who.projectId).server_groups ?? -1;
  return limit < 0 ? Number.POSITIVE_INFINITY : limit;
};

function usedBy(cloud: SimulatedCloud, projectId: string): Record<string, number> {
  const servers = cloud.servers.where((one) => one.project_id === projectId);
  return {
    instances: servers.length,
    cores: servers.reduce((sum, one) => sum + one.flavor.vcpus, 0),
    ram: servers.reduce((sum, one) => sum + one.flavor.ram, 0),
    server_groups: cloud.table('server-group').where((one) => one.project_id === projectId).length,
  };
}

/** Refuses a server that the project has no room for. */
export function requireRoomFor(call: Call, flavor: Flavor): void {
  const limits = limitsOf(call.cloud, call.who.projectId);
  const used = usedBy(call.cloud, call.who.projectId);
  const wanted: Record<string, number> = { instances: 1, cores: flavor.vcpus, ram: flavor.ram };
  const over = Object.keys(wanted).filter((name) => {
    const limit = limits[name] ?? -1;
    return limit >= 0 && (used[name] ?? 0) + (wanted[name] ?? 0) > limit;
  });
  if (over.length === 0) return;
  const list = (of: Record<string, number>) => over.map((name) => of[name]).join(', ');
  throw forbidden(
    `Quota exceeded for ${over.join(', ')}: Requested ${list(wanted)}, but already used ${list(used)} of ${list(limits)} ${over.join(', ')}`,
  );
}

function projectOf(call: Call, rule: string): string {
  const id = call.param('project');
  if (rule === 'show' && call.who.projectId === id) return id;
  requireAdmin(call, `os_compute_api:os-quota-sets:${rule}`);
  if (!call.cloud.table('project').get(id))
    throw badRequest(`Project ID ${id} is not a valid project.`);
  return id;
}

const shown = (call: Call, limits: Record<string, number>) => ({
  ...limits,
  ...(call.version < 36 ? OLD : {}),
  ...(call.version < 57 ? OLD_FILES : {}),
});

function change(call: Call) {
  const id = projectOf(call, 'update');
  const input = omit(under(call, 'quota_set'), ['force', 'tenant_id']);
  for (const [name, value] of Object.entries(input)) {
    if (!(name in shown(call, DEFAULTS)))
      throw badRequest(
        `Invalid input for field/attribute quota_set. Value: ${JSON.stringify(input)}. Additional properties are not allowed ('${name}' was unexpected)`,
      );
    if (numberOf(value, -2) < -1)
      throw badRequest(
        `Invalid input for field/attribute ${name}. Value: ${textOf(value)}. ${textOf(value)} is less than the minimum of -1`,
      );
    const used = usedBy(call.cloud, id)[name] ?? 0;
    const isForced = under(call, 'quota_set').force === true;
    if (numberOf(value) >= 0 && numberOf(value) < used && !isForced)
      throw badRequest(
        `Quota limit ${textOf(value)} for ${name} must be greater than or equal to already used and reserved ${used}.`,
      );
  }
  const quota = call.cloud.table('compute-quota');
  const numbers = Object.entries(input).map(([name, value]) => [name, numberOf(value)]);
  quota.put({ ...quota.get(id), ...Object.fromEntries(numbers), id });
  return ok({ quota_set: shown(call, limitsOf(call.cloud, id)) });
}

function detail(call: Call) {
  const id = projectOf(call, 'detail');
  const used = usedBy(call.cloud, id);
  const all = Object.entries(shown(call, limitsOf(call.cloud, id)));
  const detailed = all.map(([name, limit]) => [
    name,
    { limit, in_use: used[name] ?? 0, reserved: 0 },
  ]);
  return ok({ quota_set: { id, ...Object.fromEntries(detailed) } });
}

function limits(call: Call) {
  const project = call.query.get('tenant_id') ?? call.who.projectId;
  if (project !== call.who.projectId) requireAdmin(call, 'os_compute_api:limits:other_project');
  const max = limitsOf(call.cloud, project);
  const used = usedBy(call.cloud, project);
  const absolute: Fields = {
    maxTotalInstances: max.instances,
    maxTotalCores: max.cores,
    maxTotalRAMSize: max.ram,
    maxServerMeta: max.metadata_items,
    maxTotalKeypairs: max.key_pairs,
    maxServerGroups: max.server_groups,
    maxServerGroupMembers: max.server_group_members,
    totalRAMUsed: used.ram,
    totalCoresUsed: used.cores,
    totalInstancesUsed: used.instances,
    totalServerGroupsUsed: used.server_groups,
  };
  return ok({ limits: { rate: [], absolute } });
}

const PATH = '/os-quota-sets/:project';

export const quotaRoutes: Routes = {
  [`GET ${PATH}`]: (call) => {
    const id = projectOf(call, 'show');
    return ok({ quota_set: { id, ...shown(call, limitsOf(call.cloud, id)) } });
  },
  [`GET ${PATH}/defaults`]: (call) =>
    ok({ quota_set: { id: call.param('project'), ...shown(call, usualLimits(call.cloud)) } }),
  [`GET ${PATH}/detail`]: detail,
  [`PUT ${PATH}`]: change,
  [`DELETE ${PATH}`]: (call) => {
    call.cloud.table('compute-quota').drop(projectOf(call, 'delete'));
    return accepted();
  },
  'GET /limits': limits,
};
