import { isError } from '../domain/errors.ts';
import { collection, differingLists, nameObstacles, shares } from './neutron/collection.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules */
export interface SecurityGroupRule {
  id: string;
  direction: 'ingress' | 'egress';
  ethertype: 'IPv4' | 'IPv6';
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  remote_ip_prefix: string | null;
  remote_group_id: string | null;
  remote_address_group_id?: string | null;
  /** Absent before the Xena release. */
  normalized_cidr?: string | null;
  description: string | null;
}

/** https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups */
export interface SecurityGroup {
  id: string;
  name: string;
  project_id: string;
  description: string | null;
  /** Absent where every group is stateful. */
  stateful?: boolean;
  tags?: string[];
  security_group_rules: SecurityGroupRule[];
  /** How many grants share it with other projects; known to discovery alone. */
  shares?: number;
}

export const securityGroups = collection<SecurityGroup>('security_group', 'security_groups');

const changeable = ({ description, stateful = true }: SecurityGroup) => ({
  description: description ?? '',
  stateful,
});

/**
 * A named group of firewall rules; the rules follow once all groups are there, since they name each
 * other. Every project has a group `default` of its own, which is found, not made.
 *
 * Source: `_ensure_default_security_group` in neutron/db/securitygroups_db.py makes `default` when
 * the project's groups are listed for the first time.
 */
export const securityGroup: ResourceType<SecurityGroup> = {
  type: 'secgroup',
  scope: 'tenant',
  automatic: ({ name }) => name === 'default',
  created: 'secgroup created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  async discover({ source, tenantId }) {
    const groups = await all(securityGroups.list(source, { project_id: tenantId }));
    const shared = await shares(source, 'security_group');
    return groups.map((group) => ({ ...group, shares: shared.get(group.id) ?? 0 }));
  },

  get: securityGroups.get,
  needs: ({ project_id }) => [{ type: 'tenant', id: project_id }],

  async find({ destination, ids, tenantId }, { name }) {
    const project_id = ids.maybe('tenant', tenantId);
    if (!project_id) return [];
    const found = await all(securityGroups.list(destination, { project_id, name }));
    return found.map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs) => [
    ...differing(changeable(mine), changeable(theirs), ['description', 'stateful']),
    ...differingLists(mine, theirs, ['tags']),
  ],

  async create(site, body) {
    const { description, stateful } = changeable(body);
    const wish = {
      ...{ name: body.name, description, project_id: site.ids.of('tenant', site.tenantId) },
      ...(!stateful && { stateful }),
    };
    try {
      return (await securityGroups.create(site.destination, wish)).id;
    } catch (error) {
      const automatic = body.name === 'default' && isError(error, 'ResourceConflict');
      const [made] = automatic ? await securityGroup.find(site, body) : [];
      if (made) return made.id; // Neutron makes `default` before it refuses to
      throw error;
    }
  },

  async settle({ destination }, body, id) {
    const fields = differing(
      changeable(body),
      changeable(await securityGroups.get(destination, id)),
      ['description', 'stateful'],
    );
    if (fields.length > 0) {
      const wanted = Object.entries(changeable(body)).filter(([field]) => fields.includes(field));
      await securityGroups.update(destination, id, Object.fromEntries(wanted));
    }
    await securityGroups.tag(destination, id, body);
  },

  event: ({ name, description }, { ids, tenantId }) =>
    viewOf({ name, description, tenant_id: ids.of('tenant', tenantId) }),

  obstacles: (body, { found }) => nameObstacles(body, found(securityGroup)),
  losses: ({ shares: shared }) => (shared ? ['with which other projects it is shared'] : []),

  world: {
    type: 'secgroup',
    list: (cloud) => securityGroups.list(cloud),
    id: ({ id }) => id,
    view: ({ name, description, project_id }) =>
      viewOf({ name, description, tenant_id: project_id }),
  },

  removal: {
    event: 'secgroup delete',
    // Never asked for by project: that would make the project's group `default` anew.
    find: securityGroups.marked,
    remove: securityGroups.remove,
  },
};
