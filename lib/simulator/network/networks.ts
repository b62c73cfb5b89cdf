/** Networks and subnets. */
import type { Fields, Network, Subnet } from '../model.ts';
import { isTrue, listOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict } from '../refusal.ts';
import type { Call } from '../router.ts';
import { addressText, type Block, blockOf, contains, defaultPools, overlap } from './addresses.ts';
import { found, type Kind, touch } from './collection.ts';

const TENANT_MTU = 1450;

export const NETWORKS: Kind<Network> = {
  collection: 'networks',
  member: 'network',
  missing: (id) => ({ type: 'NetworkNotFound', message: `Network ${id} could not be found.` }),
  table: (call) => call.cloud.networks,
  defaults: {
    name: '',
    description: '',
    admin_state_up: true,
    mtu: TENANT_MTU,
    shared: false,
    port_security_enabled: true,
    'router:external': false,
    is_default: false,
  },
  fixed: [
    'availability_zone_hints',
    'provider:network_type',
    'provider:physical_network',
    'provider:segmentation_id',
  ],
  adminFields: [
    'shared',
    'router:external',
    'is_default',
    'provider:network_type',
    'provider:physical_network',
    'provider:segmentation_id',
  ],
  hidden: ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'],
  mayRead: (_, network) => network.shared || network['router:external'] === true,
  make: (call, network) => ({
    ...network,
    'provider:network_type': network['provider:network_type'] ?? 'vxlan',
    'provider:physical_network': network['provider:physical_network'] ?? null,
    'provider:segmentation_id':
      network['provider:segmentation_id'] ??
      (network['provider:network_type'] === 'flat' ? null : 100 + call.cloud.next('segment')),
  }),
  remove: (call, network) => {
    const ports = call.cloud.ports.where(
      (port) => port.network_id === network.id && port.device_owner !== 'network:dhcp',
    );
    if (ports.length > 0)
      throw conflict(
        `Unable to complete operation on network ${network.id}. There are one or more ports still in use on the network, id for these ports is: ${ports.map((port) => port.id).join(',')}.`,
        'NetworkInUse',
      );
    for (const subnet of call.cloud.subnets.where((one) => one.network_id === network.id))
      call.cloud.subnets.drop(subnet.id);
  },
  view: (call, network) => {
    const { is_default, ...rest } = network;
    return {
      ...rest,
      status: 'ACTIVE',
      subnets: call.cloud.subnets
        .where((subnet) => subnet.network_id === network.id)
        .map((subnet) => subnet.id),
      availability_zone_hints: listOf(network.availability_zone_hints),
      availability_zones: [],
      ipv4_address_scope: null,
      ipv6_address_scope: null,
      ...(network['router:external'] ? { is_default: isTrue(is_default) } : {}),
    };
  },
};

function blockFor(call: Call, subnet: Subnet): Block {
  const block = blockOf(textOf(subnet.cidr));
  if (!block || !textOf(subnet.cidr).includes('/'))
    throw badRequest(
      `Invalid input for operation: ${textOf(subnet.cidr)} is not in a CIDR format.`,
      'InvalidInput',
    );
  const others = call.cloud.subnets.where(
    (one) => one.network_id === subnet.network_id && one.id !== subnet.id,
  );
  for (const other of others) {
    const taken = blockOf(other.cidr);
    if (taken && overlap(block, taken))
      throw badRequest(
        `Invalid input for operation: Requested subnet with cidr: ${subnet.cidr} for network: ${subnet.network_id} overlaps with another subnet.`,
        'InvalidInput',
      );
  }
  return block;
}

function checkPools(subnet: Subnet, block: Block): void {
  for (const pool of subnet.allocation_pools)
    if (!contains(block, pool.start) || !contains(block, pool.end))
      throw badRequest(
        `The allocation pool ${pool.start}-${pool.end} spans beyond the subnet cidr ${subnet.cidr}.`,
        'OutOfBoundsAllocationPool',
      );
}

function makeSubnet(call: Call, subnet: Subnet, input: Fields): Subnet {
  const network = found(call, NETWORKS, textOf(subnet.network_id));
  if (!call.who.admin && network.project_id !== call.who.projectId)
    throw badRequest(`Tenant ${call.who.projectId} not allowed to create subnet on this network`);
  const block = blockFor(call, subnet);
  const gateway =
    input.gateway_ip === undefined
      ? addressText(block.first + 1n, block.version)
      : (input.gateway_ip as string | null);
  const pools = listOf(input.allocation_pools).map((one) => recordOf(one));
  const made = {
    ...subnet,
    cidr: block.cidr,
    ip_version: block.version,
    gateway_ip: gateway,
    allocation_pools:
      pools.length > 0
        ? pools.map((pool) => ({ start: textOf(pool.start), end: textOf(pool.end) }))
        : defaultPools(block, gateway),
    project_id: textOf(input.project_id) || textOf(input.tenant_id) || network.project_id,
  };
  checkPools(made, block);
  call.cloud.networks.put(touch(call, network));
  return { ...made, tenant_id: made.project_id };
}

export const SUBNETS: Kind<Subnet> = {
  collection: 'subnets',
  member: 'subnet',
  missing: (id) => ({ type: 'SubnetNotFound', message: `Subnet ${id} could not be found.` }),
  table: (call) => call.cloud.subnets,
  defaults: {
    name: '',
    description: '',
    enable_dhcp: true,
    gateway_ip: null,
    allocation_pools: [],
    host_routes: [],
    dns_nameservers: [],
    service_types: [],
  },
  fixed: [
    ...['network_id', 'cidr', 'ip_version', 'subnetpool_id', 'use_default_subnetpool'],
    ...['prefixlen', 'ipv6_ra_mode', 'ipv6_address_mode', 'segment_id'],
  ],
  required: ['network_id', 'ip_version'],
  adminFields: ['service_types'],
  mayRead: (call, subnet) => {
    const network = call.cloud.networks.get(subnet.network_id);
    return !!network && (network.shared || network['router:external'] === true);
  },
  make: makeSubnet,
  change: (_, subnet) => {
    const block = blockOf(subnet.cidr);
    if (block) checkPools(subnet, block);
    return subnet;
  },
  remove: (call, subnet) => {
    const used = call.cloud.ports.find((port) =>
      port.fixed_ips.some((ip) => ip.subnet_id === subnet.id),
    );
    if (used)
      throw conflict(
        `Unable to complete operation on subnet ${subnet.id}: One or more ports have an IP allocation from this subnet.`,
        'SubnetInUse',
      );
  },
  view: (_, subnet) => ({
    ...subnet,
    subnetpool_id: null,
    ipv6_ra_mode: subnet.ipv6_ra_mode ?? null,
    ipv6_address_mode: subnet.ipv6_address_mode ?? null,
  }),
};
