import type { Cloud } from '../ports.ts';
import { collection } from './neutron/collection.ts';
import { pairsOf, portDifferences, SAME } from './neutron/port-comparison.ts';
import { all, type ResourceType, type Site, viewOf } from './resource-type.ts';
import { securityGroup } from './security-group.ts';
import { server } from './server.ts';
import { subnets } from './subnet.ts';

export interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

/** https://docs.openstack.org/api-ref/network/v2/#ports, as an administrator sees it. */
export interface Port {
  id: string;
  name: string;
  description: string;
  project_id: string;
  network_id: string;
  mac_address: string;
  admin_state_up: boolean;
  device_id: string;
  /** Empty, `compute:<availability zone>`, `network:…` or what else holds it. */
  device_owner: string;
  fixed_ips: FixedIp[];
  security_groups: string[];
  allowed_address_pairs?: { ip_address: string; mac_address?: string }[];
  extra_dhcp_opts?: { opt_name: string; opt_value: string; ip_version: number }[];
  port_security_enabled?: boolean;
  'binding:vnic_type'?: string;
  device_profile?: string | null;
  dns_name?: string;
  qos_policy_id?: string | null;
  trunk_details?: object | null;
  tags?: string[];
}

export const ports = collection<Port>('port', 'ports');

export const serverIdOf = ({
  device_owner,
  device_id,
}: Pick<Port, 'device_owner' | 'device_id'>) =>
  device_owner.startsWith('compute:') ? device_id : undefined;

/**
 * A port's address as it is asked for. Where Neutron itself derives addresses from the MAC (SLAAC, stateless DHCPv6) it refuses to be told
 * one; the same MAC and prefix give the same address.
 *
 * Source: `_test_fixed_ips_for_port` in neutron/db/ipam_pluggable_backend.py.
 */
export const addressFor = async ({ source, ids }: Site, { subnet_id, ip_address }: FixedIp) => {
  const there = { subnet_id: ids.of('subnet', subnet_id) };
  if (!ip_address.includes(':')) return { ...there, ip_address };
  const { ipv6_address_mode: mode } = await subnets.get(source, subnet_id);
  return mode === 'slaac' || mode === 'dhcpv6-stateless' ? there : { ...there, ip_address };
};

/** What of it is as it was; what a cloud may not know is only sent when it says something. */
const asItWas = (body: Port) => ({
  ...Object.fromEntries(SAME.flatMap((key) => (body[key] === undefined ? [] : [[key, body[key]]]))),
  mac_address: body.mac_address.toLowerCase(),
  ...(pairsOf(body).length > 0 && { allowed_address_pairs: pairsOf(body) }),
  ...(body.extra_dhcp_opts?.length && { extra_dhcp_opts: body.extra_dhcp_opts }),
  ...(body.dns_name && { dns_name: body.dns_name }),
  ...(body['binding:vnic_type'] !== 'normal' && { 'binding:vnic_type': body['binding:vnic_type'] }),
});

/**
 * A port of the tenant or of one of its servers, told by network and MAC. It is made before its
 * server and so reserves address and MAC; the server takes it over when it is booted with it.
 *
 * @see https://docs.openstack.org/api-ref/network/v2/#create-port
 */
export const port: ResourceType<Port> = {
  type: 'port',
  scope: 'tenant',
  created: 'port created',
  id: ({ id }) => id,
  label: ({ name, fixed_ips, mac_address }) => name || fixed_ips[0]?.ip_address || mac_address,

  async discover({ source, tenantId, found }) {
    const own = await all(ports.list(source, { project_id: tenantId }));
    const servers = found(server).map(({ id }) => id);
    const held = await ports.listBy(source, 'device_id', servers);
    const unique = new Map([...own, ...held].map((one) => [one.id, one]));
    return [...unique.values()].filter(({ device_owner }) => !device_owner.startsWith('network:'));
  },

  get: ports.get,

  needs: ({ project_id, network_id, fixed_ips, security_groups }) => [
    { type: 'tenant', id: project_id },
    { type: 'network', id: network_id },
    ...fixed_ips.map(({ subnet_id }) => ({ type: 'subnet', id: subnet_id })),
    ...security_groups.map((id) => ({ type: 'secgroup', id })),
  ],

  async find({ destination, ids }, { network_id, mac_address }) {
    const network = ids.maybe('network', network_id);
    if (!network) return [];
    const query = { network_id: network, mac_address: mac_address.toLowerCase() };
    return (await all(ports.list(destination, query))).map((body) => ({ id: body.id, body }));
  },

  differences: portDifferences,

  async create(site, body) {
    const { destination, ids, tenantId } = site;
    const made = await ports.create(destination, {
      ...asItWas(body),
      network_id: ids.of('network', body.network_id),
      project_id: ids.of('tenant', tenantId),
      fixed_ips: await Promise.all(body.fixed_ips.map((one) => addressFor(site, one))),
      security_groups: body.security_groups.map((id) => ids.of('secgroup', id)),
    });
    return made.id;
  },

  settle: ({ destination }, body, id) => ports.tag(destination, id, body),

  event: ({ name, mac_address, fixed_ips, network_id }, { ids, tenantId }) =>
    viewOf({
      ...{ name, mac_address, address: fixed_ips[0]?.ip_address },
      ...{ tenant_id: ids.of('tenant', tenantId), network_id: ids.of('network', network_id) },
    }),

  obstacles: (body, { found }) => [
    ...(body.device_owner === '' || serverIdOf(body) ? [] : [`${body.device_owner} uses it`]),
    ...(body.trunk_details ? ['it is the parent of a trunk'] : []),
    ...(body.qos_policy_id ? ['it has a QoS policy'] : []),
    ...(body.device_profile ? ['it has a device profile'] : []),
    ...body.security_groups
      .filter((id) => !found(securityGroup).some((group) => group.id === id))
      .map((id) => `security group ${id} belongs to another tenant`),
  ],

  world: {
    type: 'port',
    list: (cloud: Cloud) => ports.list(cloud),
    id: ({ id }) => id,
    view: (body) =>
      viewOf({
        ...{ name: body.name, mac_address: body.mac_address, network_id: body.network_id },
        ...{ tenant_id: body.project_id, server_id: serverIdOf(body) },
        address: body.fixed_ips[0]?.ip_address,
      }),
  },

  removal: {
    event: 'port delete',
    async *find(cloud, mark) {
      for await (const { device_owner, ...one } of ports.list(cloud)) {
        if (device_owner.startsWith('network:')) continue; // goes with what it serves
        const project = mark.owns(one.project_id);
        if (project || mark.bears(one.name)) yield { id: one.id, name: one.name || one.id };
      }
    },
    remove: ports.remove,
  },
};
