/** Neutron's quotas: limits per project, counted when something is made. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields } from '../model.ts';
import { numberOf, omit } from '../reading.ts';
import { badRequest, conflict, forbidden } from '../refusal.ts';
import { type Call, noContent, ok, type Routes, under } from '../router.ts';

const DEFAULTS: Record<string, number> = {
  network: 100,
  subnet: 100,
  subnetpool: -1,
  port: 500,
  router: 10,
  floatingip: 50,
  rbac_policy: 10,
  security_group: 10,
  security_group_rule: 100,
};

function count(cloud: SimulatedCloud, projectId: string, name: string): number {
  const mine = (one: Fields) => one.project_id === projectId;
  const tables: Record<string, { where(match: (one: Fields) => boolean): unknown[] }> = {
    network: cloud.networks,
    subnet: cloud.subnets,
    port: cloud.ports,
    router: cloud.routers,
    floatingip: cloud.floatingIps,
    security_group: cloud.table('security-group'),
    security_group_rule: cloud.table('security-group-rule'),
  };
  return tables[name]?.where(mine).length ?? 0;
}

const rowOf = (cloud: SimulatedCloud, id: string) =>
  omit(cloud.table('network-quota').get(id) ?? {}, ['id']) as Record<string, number>;

/** What a project has when nobody said otherwise; a row `default` of the cloud's own is above Neutron's figures. */
const usualLimits = (cloud: SimulatedCloud) => ({ ...DEFAULTS, ...rowOf(cloud, 'default') });

const limitsOf = (cloud: SimulatedCloud, projectId: string): Record<string, number> => ({
  ...usualLimits(cloud),
  ...rowOf(cloud, projectId),
});

/** Refuses what would be one more than the project may have. */
export function requireRoom(cloud: SimulatedCloud, projectId: string, name: string): void {
  const limit = limitsOf(cloud, projectId)[name] ?? -1;
  if (limit >= 0 && count(cloud, projectId, name) >= limit)
    throw conflict(`Quota exceeded for resources: ['${name}'].`, 'OverQuota');
}

function projectOf(call: Call, rule: string): string {
  const id = call.param('project');
  if (!call.who.admin && (call.who.projectId !== id || rule !== 'get_quota'))
    throw forbidden(`rule:${rule} is disallowed by policy`);
  return id;
}

const detailsOf = (cloud: SimulatedCloud, projectId: string) =>
  Object.fromEntries(
    Object.entries(limitsOf(cloud, projectId)).map(([name, limit]) => [
      name,
      { limit, used: count(cloud, projectId, name), reserved: 0 },
    ]),
  );

function change(call: Call) {
  const id = projectOf(call, 'update_quota');
  const input = under(call, 'quota');
  for (const [name, value] of Object.entries(input)) {
    if (!(name in DEFAULTS)) throw badRequest(`Unrecognized attribute(s) '${name}'`);
    if (numberOf(value, -2) < -1)
      throw badRequest(`Invalid input for ${name}. Reason: '${value}' should be an integer.`);
  }
  const quota = call.cloud.table('network-quota');
  quota.put({ ...quota.get(id), ...input, id });
  return ok({ quota: limitsOf(call.cloud, id) });
}

const PATH = '/v2.0/quotas';

export const quotaRoutes: Routes = {
  [`GET ${PATH}`]: (call) =>
    ok({
      quotas: call.cloud
        .table('network-quota')
        .where((row) => row.id !== 'default')
        .map(({ id }) => ({
          ...limitsOf(call.cloud, id),
          project_id: id,
          tenant_id: id,
        })),
    }),
  [`GET ${PATH}/:project`]: (call) =>
    ok({ quota: limitsOf(call.cloud, projectOf(call, 'get_quota')) }),
  [`GET ${PATH}/:project/default`]: (call) => ok({ quota: usualLimits(call.cloud) }),
  [`GET ${PATH}/:project/details.json`]: (call) =>
    ok({ quota: detailsOf(call.cloud, projectOf(call, 'get_quota')) }),
  [`GET ${PATH}/:project/details`]: (call) =>
    ok({ quota: detailsOf(call.cloud, projectOf(call, 'get_quota')) }),
  [`PUT ${PATH}/:project`]: change,
  [`DELETE ${PATH}/:project`]: (call) => {
    call.cloud.table('network-quota').drop(projectOf(call, 'delete_quota'));
    return noContent();
  },
};
