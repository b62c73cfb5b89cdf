/**
 * What a tenant may own that Pumphouse does not carry yet. Each is looked for before anything is
 * done, and what is found refuses the migration by name: nothing is dropped silently.
 */
import type { Obstacle } from '../domain/plan.ts';
import type { Cloud, Query, ServiceName } from '../ports.ts';

interface Probe {
  type: string;
  service: ServiceName;
  path: string;
  key: string;
  query?: Query;
  /** The attributes that may name the owner; the service cannot always filter by it. */
  owner: readonly string[];
}

const ADMIN = { all_tenants: true };

const PROBES: readonly Probe[] = [
  {
    ...{ type: 'volume', service: 'volumev3', path: '/volumes/detail', key: 'volumes' },
    ...{ query: ADMIN, owner: ['os-vol-tenant-attr:tenant_id'] },
  },
  {
    ...{ type: 'volume_snapshot', service: 'volumev3', path: '/snapshots/detail' },
    ...{ key: 'snapshots', query: ADMIN },
    owner: ['os-extended-snapshot-attributes:project_id'],
  },
  {
    ...{ type: 'volume_backup', service: 'volumev3', path: '/backups/detail', key: 'backups' },
    ...{ query: ADMIN, owner: ['os-backup-project-attr:project_id', 'project_id'] },
  },
  {
    ...{ type: 'server_group', service: 'compute', path: '/os-server-groups' },
    ...{ key: 'server_groups', query: { all_projects: true }, owner: ['project_id'] },
  },
  {
    ...{ type: 'load_balancer', service: 'load-balancer', path: '/v2/lbaas/loadbalancers' },
    ...{ key: 'loadbalancers', owner: ['project_id'] },
  },
];

interface Owned extends Record<string, unknown> {
  id: string;
  name?: string;
}

const ownedBy = async (source: Cloud, tenantId: string, probe: Probe): Promise<Obstacle[]> => {
  if (!(await source.offers(probe.service))) return [];
  const { service, path, key, query = {} } = probe;
  const obstacles: Obstacle[] = [];
  for await (const body of source.list<Owned>(service, path, key, { query })) {
    if (!probe.owner.some((attribute) => body[attribute] === tenantId)) continue;
    const reason = `Pumphouse does not carry a ${probe.type.replaceAll('_', ' ')} yet`;
    const name = body.name ? { name: body.name } : {};
    obstacles.push({ type: probe.type, id: body.id, ...name, kind: 'not carried', reason });
  }
  return obstacles;
};

/** Everything of the tenant that cannot come along, by name. Services that the cloud lacks are passed over. */
export const notCarried = async (source: Cloud, tenantId: string): Promise<Obstacle[]> =>
  (await Promise.all(PROBES.map((probe) => ownedBy(source, tenantId, probe)))).flat();
