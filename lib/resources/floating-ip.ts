import { PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { contains } from './neutron/address.ts';
import { collection, differingLists } from './neutron/collection.ts';
import { ports, serverIdOf } from './port.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';
import { subnets } from './subnet.ts';

/** https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips */
export interface FloatingIp {
  id: string;
  project_id: string;
  description: string;
  floating_ip_address: string;
  floating_network_id: string;
  /** The port that it leads to, and to which of its addresses. */
  port_id: string | null;
  fixed_ip_address: string | null;
  port_details?: { device_id: string; device_owner: string } | null;
  port_forwardings?: object[];
  qos_policy_id?: string | null;
  dns_name?: string;
  dns_domain?: string;
  tags?: string[];
}

export const floatingIps = collection<FloatingIp>('floatingip', 'floatingips');

const byAddress = async (cloud: Cloud, address: string): Promise<FloatingIp> => {
  const query = { floating_ip_address: address };
  const [found, other] = await all(floatingIps.list(cloud, query));
  if (found && !other) return found;
  const message = other
    ? `${cloud.name} has the floating IP ${address} on more than one network`
    : `${cloud.name} has no floating IP ${address}`;
  throw new PumphouseError(other ? 'ResourceConflict' : 'ResourceNotFound', message);
};

/** The floating IPs that lead to some ports, those of a server for example. */
export const floatingIpsOf = (cloud: Cloud, portIds: readonly string[]): Promise<FloatingIp[]> =>
  floatingIps.listBy(cloud, 'port_id', portIds);

/**
 * Lets a floating IP lead to a port, or with `null` to none. Answers whether that changed anything;
 * safe to repeat.
 *
 * @throws ResourceNotFound when there is no such floating IP or port, or no router between them
 * @throws ResourceConflict when the port's address has a floating IP already
 * @see https://docs.openstack.org/api-ref/network/v2/#update-floating-ip
 */
export const associate = async (
  cloud: Cloud,
  address: string,
  portId: string | null,
  fixedIp?: string,
): Promise<boolean> => {
  const { id, port_id, fixed_ip_address } = await byAddress(cloud, address);
  const same = port_id === portId && (!portId || !fixedIp || fixed_ip_address === fixedIp);
  if (same) return false;
  const target = portId && fixedIp ? { fixed_ip_address: fixedIp } : {};
  await floatingIps.update(cloud, id, { port_id: portId, ...target });
  return true;
};

/**
 * A public address that the tenant keeps. It is made leading nowhere; the machine that moves a server
 * moves it over (`associate`), so that it never leads to two places.
 */
export const floatingIp: ResourceType<FloatingIp> = {
  type: 'floating_ip',
  scope: 'tenant',
  created: 'floating_ip created',
  id: ({ floating_ip_address }) => floating_ip_address,
  label: ({ floating_ip_address }) => floating_ip_address,

  discover: ({ source, tenantId }) => all(floatingIps.list(source, { project_id: tenantId })),
  get: byAddress,

  needs: ({ project_id, floating_network_id }) => [
    { type: 'tenant', id: project_id },
    { type: 'network', id: floating_network_id },
  ],

  async find({ destination, ids }, { floating_network_id: source, floating_ip_address }) {
    const floating_network_id = ids.maybe('network', source);
    if (!floating_network_id) return [];
    const query = { floating_network_id, floating_ip_address };
    const found = await all(floatingIps.list(destination, query));
    return found.map((body) => ({ id: body.floating_ip_address, body }));
  },

  differences: (mine, theirs, { ids, tenantId }) => [
    ...differing(mine, theirs, ['description', 'dns_name', 'dns_domain']),
    ...(theirs.project_id === ids.maybe('tenant', tenantId) ? [] : ['project_id']),
    ...differingLists(mine, theirs, ['tags']),
  ],

  async create({ destination, ids, tenantId }, body) {
    const { floating_ip_address, floating_network_id, description, dns_name, dns_domain } = body;
    const made = await floatingIps.create(destination, {
      ...{ floating_ip_address, description, project_id: ids.of('tenant', tenantId) },
      floating_network_id: ids.of('network', floating_network_id),
      ...(dns_name && { dns_name }),
      ...(dns_domain && { dns_domain }),
    });
    return made.floating_ip_address;
  },

  async settle({ destination }, body, address) {
    if (!body.tags?.length) return;
    await floatingIps.tag(destination, (await byAddress(destination, address)).id, body);
  },

  event: ({ floating_ip_address, floating_network_id }, { ids, tenantId }) => ({
    address: floating_ip_address,
    ...{
      tenant_id: ids.of('tenant', tenantId),
      network_id: ids.of('network', floating_network_id),
    },
  }),

  async unfit({ destination, ids }, { floating_ip_address: address, floating_network_id }) {
    const network_id = ids.maybe('network', floating_network_id);
    if (!network_id) return undefined;
    const ranges = await all(subnets.list(destination, { network_id }));
    if (!ranges.some(({ cidr }) => contains(cidr, address))) {
      return `no subnet of the destination's external network holds ${address}`;
    }
    const fixed_ips = `ip_address=${address}`;
    const [user] = await all(ports.list(destination, { network_id, fixed_ips }));
    return (
      user && `${user.device_owner || 'port'} ${user.device_id || user.id} has ${address} there`
    );
  },

  obstacles: ({ port_forwardings = [], qos_policy_id }) => [
    ...(port_forwardings.length > 0 ? ['it has port forwardings'] : []),
    ...(qos_policy_id ? ['it has a QoS policy'] : []),
  ],

  world: {
    type: 'floating_ip',
    list: (cloud) => floatingIps.list(cloud),
    id: ({ floating_ip_address }) => floating_ip_address,
    view: ({ floating_ip_address, project_id, floating_network_id, port_id, port_details }) =>
      viewOf({
        ...{ address: floating_ip_address, tenant_id: project_id, port_id },
        network_id: floating_network_id,
        server_id: port_details ? serverIdOf(port_details) : undefined,
      }),
  },

  removal: {
    event: 'floating_ip delete',
    async *find(cloud, mark) {
      for await (const { id, project_id, floating_ip_address: address } of floatingIps.list(cloud))
        if (mark.owns(project_id)) yield { id, name: address, told: { id: address } };
    },
    remove: floatingIps.remove,
  },
};
