import { PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { network, networks } from './network.ts';
import { collection, differingLists } from './neutron/collection.ts';
import { port } from './port.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';
import { routerInterface } from './router-interface.ts';

/** https://docs.openstack.org/api-ref/network/v2/#subnets */
export interface Subnet {
  id: string;
  name: string;
  project_id: string;
  description: string;
  network_id: string;
  ip_version: 4 | 6;
  cidr: string;
  /** Null when there is none, which is not the same as absent: then Neutron chooses one. */
  gateway_ip: string | null;
  enable_dhcp: boolean;
  allocation_pools: { start: string; end: string }[];
  dns_nameservers: string[];
  host_routes: { destination: string; nexthop: string }[];
  ipv6_ra_mode: string | null;
  ipv6_address_mode: string | null;
  subnetpool_id: string | null;
  service_types?: string[];
  tags?: string[];
  /** Whose its network is; read along with it. */
  network_owner?: string;
}

export const subnets = collection<Subnet>('subnet', 'subnets');

export const getSubnet = async (cloud: Cloud, id: string): Promise<Subnet> => {
  const subnet = await subnets.get(cloud, id);
  const { project_id } = await networks.get(cloud, subnet.network_id);
  return { ...subnet, network_owner: project_id };
};

const isForeign = ({ network_owner }: Subnet, tenantId: string) => network_owner !== tenantId;

const ADDRESSING = ['gateway_ip', 'dns_nameservers', 'ipv6_ra_mode', 'ipv6_address_mode'] as const;
const LISTS = ['allocation_pools', 'host_routes', 'service_types', 'tags'] as const;

/**
 * A range of addresses in a network, told by network and CIDR. It is made with DHCP off, so that no
 * DHCP port takes an address before the tenant's ports have theirs; see `subnet-dhcp.ts`.
 *
 * Neutron refuses IPv6 modes without DHCP, so those subnets have it from the start
 * (`_validate_ipv6_attributes` in neutron/db/db_base_plugin_v2.py).
 */
export const subnet: ResourceType<Subnet> = {
  type: 'subnet',
  scope: 'tenant',
  shared: isForeign,
  created: 'subnet created',
  id: ({ id }) => id,
  label: ({ name, cidr }) => (name ? `${name} (${cidr})` : cidr),

  async discover({ source, tenantId, found }) {
    const owners = new Map(found(network).map(({ id, project_id }) => [id, project_id]));
    const used = new Set(
      [...found(port), ...found(routerInterface)]
        .flatMap(({ fixed_ips }) => fixed_ips)
        .map(({ subnet_id }) => subnet_id),
    );
    const listed = await subnets.listBy(source, 'network_id', owners.keys());
    return listed
      .map((one) => ({ ...one, network_owner: owners.get(one.network_id) ?? '' }))
      .filter((one) => !isForeign(one, tenantId) || used.has(one.id));
  },

  get: getSubnet,
  needs: ({ network_id }) => [{ type: 'network', id: network_id }],

  async find({ destination, ids }, { network_id, cidr, ip_version }) {
    const counterpart = ids.maybe('network', network_id);
    if (!counterpart) return [];
    const query = { network_id: counterpart, cidr, ip_version };
    return (await all(subnets.list(destination, query))).map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs, { tenantId }) =>
    isForeign(mine, tenantId)
      ? differing(mine, theirs, ['gateway_ip'])
      : [
          ...differing(mine, theirs, ['name', 'description', ...ADDRESSING]),
          ...differingLists(mine, theirs, LISTS),
        ],

  async create({ destination, ids, tenantId }, body) {
    if (isForeign(body, tenantId)) throw new PumphouseError('ResourceConflict', wanted(body));
    const { name, description, ip_version, cidr, allocation_pools, host_routes } = body;
    const { gateway_ip, dns_nameservers, ipv6_ra_mode, ipv6_address_mode, service_types } = body;
    const made = await subnets.create(destination, {
      ...{ name, description, ip_version, cidr, gateway_ip, allocation_pools, host_routes },
      ...{ dns_nameservers, project_id: ids.of('tenant', tenantId) },
      ...{ network_id: ids.of('network', body.network_id) },
      ...(ipv6_ra_mode && { ipv6_ra_mode }),
      ...(ipv6_address_mode && { ipv6_address_mode }),
      ...(service_types?.length && { service_types }),
      enable_dhcp: Boolean(ipv6_ra_mode || ipv6_address_mode),
    });
    return made.id;
  },

  settle: ({ destination }, body, id) => subnets.tag(destination, id, body),

  event: ({ name, cidr, gateway_ip, network_id }, { ids, tenantId }) =>
    viewOf({
      ...{ name, cidr, gateway_ip, tenant_id: ids.of('tenant', tenantId) },
      network_id: ids.of('network', network_id),
    }),

  async unfit({ ids, tenantId }, body) {
    const reported = ids.maybe('network', body.network_id) === undefined;
    return isForeign(body, tenantId) && !reported ? wanted(body) : undefined;
  },

  losses: ({ subnetpool_id }) => (subnetpool_id ? ['the subnet pool that it came from'] : []),

  world: {
    type: 'subnet',
    list: (cloud) => subnets.list(cloud),
    id: ({ id }) => id,
    view: ({ name, cidr, gateway_ip, project_id, network_id }) =>
      viewOf({ name, cidr, gateway_ip, tenant_id: project_id, network_id }),
  },

  removal: {
    event: 'subnet delete',
    /** Those of a marked network go with it whatever their name. */
    async *find(cloud, mark) {
      const doomed = await all(networks.marked(cloud, mark));
      const ids = new Set(doomed.map(({ id }) => id));
      for await (const { id, name, cidr, project_id, network_id } of subnets.list(cloud)) {
        if (!mark.bears(name) && !mark.owns(project_id) && !ids.has(network_id)) continue;
        yield { id, name: name || cidr };
      }
    },
    remove: subnets.remove,
  },
};

const wanted = ({ cidr, network_id }: Subnet) =>
  `the destination's counterpart of network ${network_id} has no subnet ${cidr}: create it there first`;
