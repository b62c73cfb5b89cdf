import { isError, PumphouseError } from '../domain/errors.ts';
import { floatingIp } from './floating-ip.ts';
import { collection, differingLists, nameObstacles, shares } from './neutron/collection.ts';
import { port } from './port.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';
import { router } from './router.ts';
import { routerInterface } from './router-interface.ts';

/** https://docs.openstack.org/api-ref/network/v2/#networks */
export interface Network {
  id: string;
  name: string;
  project_id: string;
  description: string;
  admin_state_up: boolean;
  shared: boolean;
  'router:external': boolean;
  port_security_enabled?: boolean;
  /** Bytes. */
  mtu?: number;
  dns_domain?: string;
  qos_policy_id?: string | null;
  vlan_transparent?: boolean | null;
  availability_zone_hints?: string[];
  tags?: string[];
  /** How many grants share it with other projects; known to discovery alone. */
  shares?: number;
}

export const networks = collection<Network>('network', 'networks');

const isForeign = ({ project_id }: Network, tenantId: string) => project_id !== tenantId;

/** What it is and what it takes to have one, for a network that Pumphouse looks up and never makes. */
const wanted = ({ name, 'router:external': external }: Network) =>
  `the destination has no ${external ? 'external' : 'shared'} network named "${name}": create it there first`;

const FIELDS = ['description', 'admin_state_up', 'port_security_enabled'] as const;

/**
 * A network of the tenant, made anew; or one of somebody else that the tenant uses (external, shared),
 * which has to be at the destination under the same name.
 */
export const network: ResourceType<Network> = {
  type: 'network',
  scope: 'tenant',
  shared: isForeign,
  created: 'network created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  async discover({ source, tenantId, found }) {
    const own = await all(networks.list(source, { project_id: tenantId }));
    const used = new Set([
      ...[...found(port), ...found(routerInterface)].map(({ network_id }) => network_id),
      ...found(router).flatMap(({ external_gateway_info: info }) => info?.network_id ?? []),
      ...found(floatingIp).map(({ floating_network_id }) => floating_network_id),
    ]);
    const others = used.difference(new Set(own.map(({ id }) => id)));
    const granted = await shares(source, 'network');
    return [
      ...own.map((one) => ({ ...one, shares: granted.get(one.id) ?? 0 })),
      ...(await Promise.all([...others].map((id) => networks.get(source, id)))),
    ];
  },

  get: networks.get,
  needs: ({ project_id }) => [{ type: 'tenant', id: project_id }],

  async find({ destination, ids, tenantId }, body) {
    const { name, 'router:external': external } = body;
    const project_id = ids.maybe('tenant', tenantId);
    const foreign = isForeign(body, tenantId);
    if (!foreign && !project_id) return [];
    const query = foreign ? { name, 'router:external': external } : { name, project_id };
    const found = await all(networks.list(destination, query));
    return found
      .filter((one) => !foreign || one.project_id !== project_id)
      .map((one) => ({ id: one.id, body: one }));
  },

  differences(mine, theirs, { tenantId }) {
    if (isForeign(mine, tenantId)) return mine.shared && !theirs.shared ? ['shared'] : [];
    return [
      ...differing(mine, theirs, [...FIELDS, 'shared', 'router:external']),
      ...(mine.dns_domain ? differing(mine, theirs, ['dns_domain']) : []),
      ...differingLists(mine, theirs, ['tags']),
    ];
  },

  /** With its MTU; where the destination's segments cannot carry that, with what they can. */
  async create({ destination, ids, tenantId }, body) {
    if (isForeign(body, tenantId)) throw new PumphouseError('ResourceConflict', wanted(body));
    const { name, description, admin_state_up, port_security_enabled, mtu, dns_domain } = body;
    const wish = {
      ...{ name, description, admin_state_up, project_id: ids.of('tenant', tenantId) },
      ...(port_security_enabled !== undefined && { port_security_enabled }),
      ...(dns_domain && { dns_domain }),
    };
    try {
      return (await networks.create(destination, { ...wish, ...(mtu && { mtu }) })).id;
    } catch (error) {
      if (!isError(error, 'RequestRefused') || !/\bmtu\b/i.test(error.message)) throw error;
      return (await networks.create(destination, wish)).id;
    }
  },

  settle: ({ destination }, body, id) => networks.tag(destination, id, body),

  event: ({ name, mtu }, { ids, tenantId }) =>
    viewOf({ name, mtu, tenant_id: ids.of('tenant', tenantId) }),

  unfit: async ({ tenantId }, body) => (isForeign(body, tenantId) ? wanted(body) : undefined),

  obstacles(body, { found, tenantId }) {
    if (isForeign(body, tenantId)) return [];
    return [
      ...nameObstacles(body, found(network)),
      ...(body.shares || body.shared ? ['it is shared with other projects'] : []),
      ...(body['router:external'] ? ['it is external: only an operator makes such a network'] : []),
      ...(body.qos_policy_id ? ['it has a QoS policy'] : []),
      ...(body.vlan_transparent ? ['it is VLAN transparent'] : []),
    ];
  },

  losses: ({ shares: granted, mtu, availability_zone_hints: hints = [] }) =>
    granted === undefined // only the tenant's own networks have been asked for
      ? []
      : [
          `its segment, which the destination chooses${mtu ? `; its MTU of ${mtu} where that is too narrow` : ''}`,
          ...(hints.length > 0 ? ['its availability zone hints'] : []),
        ],

  world: {
    type: 'network',
    list: (cloud) => networks.list(cloud),
    id: ({ id }) => id,
    view: ({ name, project_id, mtu, shared, 'router:external': external }) =>
      viewOf({
        ...{ name, mtu, tenant_id: project_id },
        ...(shared && { shared }),
        ...(external && { external }),
      }),
  },

  removal: {
    event: 'network delete',
    find: networks.marked,
    remove: networks.remove,
  },
};
