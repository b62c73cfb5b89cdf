/** Ports: where an address, a MAC and a server meet. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, FixedIp, Port, Subnet } from '../model.ts';
import { listOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import type { Call } from '../router.ts';
import { blockOf, contains, freeAddress } from './addresses.ts';
import { found, type Kind, touch } from './collection.ts';
import { NETWORKS } from './networks.ts';
import { defaultGroup } from './security.ts';

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const BINDING = ['binding:host_id', 'binding:profile', 'binding:vif_type', 'binding:vif_details'];

const UNBOUND = {
  'binding:host_id': '',
  'binding:profile': {},
  'binding:vif_type': 'unbound',
  'binding:vif_details': {},
};

export function takenAddresses(cloud: SimulatedCloud, networkId: string, except = ''): Set<string> {
  const ports = cloud.ports.where((port) => port.network_id === networkId && port.id !== except);
  const floating = cloud.floatingIps.where((ip) => ip.floating_network_id === networkId);
  return new Set([
    ...ports.flatMap((port) => port.fixed_ips.map((ip) => ip.ip_address)),
    ...floating.map((ip) => ip.floating_ip_address),
  ]);
}

/** Finds the subnet and the address for one entry of `fixed_ips`; refuses what is outside or taken. */
export function allocate(
  cloud: SimulatedCloud,
  networkId: string,
  wish: Fields,
  taken: Set<string>,
): FixedIp {
  const subnets = cloud.subnets.where((one) => one.network_id === networkId);
  const address = textOf(wish.ip_address);
  const named = wish.subnet_id ? subnets.find((one) => one.id === wish.subnet_id) : undefined;
  if (wish.subnet_id && !named)
    throw badRequest(
      `Invalid input for operation: Failed to create port on network ${networkId}, because fixed_ips included invalid subnet ${textOf(wish.subnet_id)}.`,
      'InvalidInput',
    );
  if (address) return explicit(named ? [named] : subnets, address, taken, named !== undefined);
  for (const subnet of named ? [named] : subnets) {
    const free = freeAddress(
      subnet.allocation_pools,
      subnet.ip_version,
      new Set([...taken, ...(subnet.gateway_ip ? [subnet.gateway_ip] : [])]),
    );
    if (free) {
      taken.add(free);
      return { subnet_id: subnet.id, ip_address: free };
    }
  }
  throw conflict(
    `No more IP addresses available on network ${networkId}.`,
    'IpAddressGenerationFailure',
  );
}

function explicit(
  subnets: Subnet[],
  address: string,
  taken: Set<string>,
  isNamed: boolean,
): FixedIp {
  const subnet = subnets.find((one) => contains(blockOf(one.cidr), address));
  if (!subnet) {
    const where = isNamed
      ? 'the specified subnet.'
      : 'any of the subnets on the specified network.';
    const type = isNamed ? 'InvalidIpForSubnet' : 'InvalidIpForNetwork';
    throw badRequest(`IP address ${address} is not a valid IP for ${where}`, type);
  }
  if (taken.has(address))
    throw conflict(
      `IP address ${address} already allocated in subnet ${subnet.id}`,
      'IpAddressAlreadyAllocated',
    );
  taken.add(address);
  return { subnet_id: subnet.id, ip_address: address };
}

/** Without a wish: one address of the first subnet of each IP version. */
export function allocateAll(
  cloud: SimulatedCloud,
  networkId: string,
  wishes: unknown,
  portId: string,
): FixedIp[] {
  const taken = takenAddresses(cloud, networkId, portId);
  if (Array.isArray(wishes))
    return wishes.map((wish) => allocate(cloud, networkId, recordOf(wish), taken));
  const subnets = cloud.subnets.where((one) => one.network_id === networkId);
  return [4, 6].flatMap((version) => {
    const subnet = subnets.find((one) => one.ip_version === version);
    return subnet ? [allocate(cloud, networkId, { subnet_id: subnet.id }, taken)] : [];
  });
}

function macFor(cloud: SimulatedCloud, port: Port, wish: string): string {
  if (wish && !MAC.test(wish))
    throw badRequest(
      `Invalid input for mac_address. Reason: '${wish}' is not a valid MAC address.`,
    );
  const taken = cloud.ports.where(
    (one) => one.network_id === port.network_id && one.id !== port.id,
  );
  if (wish && taken.some((one) => one.mac_address === wish.toLowerCase()))
    throw conflict(
      `Unable to complete operation for network ${port.network_id}. The mac address ${wish} is in use.`,
      'MacAddressInUse',
    );
  const drawn = cloud.newHexId().slice(0, 6).match(/../g) ?? [];
  return wish ? wish.toLowerCase() : ['fa', '16', '3e', ...drawn].join(':');
}

const pairsOf = (pairs: unknown, mac: string) =>
  listOf(pairs).map((pair) => ({ mac_address: mac, ...recordOf(pair) }));

function checkGroups(call: Call, ids: unknown): string[] {
  return listOf(ids).map((id) => {
    const group = call.cloud.table('security-group').get(textOf(id));
    if (!group || (!call.who.admin && group.project_id !== call.who.projectId))
      throw notFound(`Security group ${textOf(id)} does not exist`, 'SecurityGroupNotFound');
    return group.id;
  });
}

function makePort(call: Call, port: Port, input: Fields): Port {
  const { cloud } = call;
  const network = found(call, NETWORKS, textOf(port.network_id));
  const secure = input.port_security_enabled ?? network.port_security_enabled;
  const isOurs = port.device_owner.startsWith('network:');
  const fallback = secure && !isOurs ? [defaultGroup(cloud, port.project_id).id] : [];
  const mac = macFor(cloud, port, textOf(input.mac_address));
  return bound({
    ...port,
    ...UNBOUND,
    'binding:host_id': textOf(input['binding:host_id']),
    'binding:profile': recordOf(input['binding:profile']),
    'binding:vnic_type': textOf(input['binding:vnic_type'], 'normal'),
    mac_address: mac,
    status: 'DOWN',
    port_security_enabled: secure && !isOurs,
    fixed_ips: allocateAll(cloud, network.id, input.fixed_ips, port.id),
    allowed_address_pairs: pairsOf(input.allowed_address_pairs, mac),
    security_groups: Array.isArray(input.security_groups)
      ? checkGroups(call, input.security_groups)
      : fallback,
  });
}

/** A port on a host is bound and up at once; without a host it is neither. Router ports stay as they are. */
export function bound(port: Port): Port {
  if (port.device_owner.startsWith('network:')) return port;
  if (!port['binding:host_id']) return { ...port, ...UNBOUND, status: 'DOWN' };
  const details = { port_filter: true, ovs_hybrid_plug: false };
  return { ...port, 'binding:vif_type': 'ovs', 'binding:vif_details': details, status: 'ACTIVE' };
}

function changePort(call: Call, port: Port, input: Fields, before: Port): Port {
  const { cloud } = call;
  const changed = { ...port };
  if (input.mac_address !== undefined)
    changed.mac_address = macFor(cloud, port, textOf(input.mac_address));
  if (input.fixed_ips !== undefined) {
    const kept = listOf(input.fixed_ips).map((wish) => recordOf(wish));
    changed.fixed_ips = allocateAll(cloud, before.network_id, kept, before.id);
  }
  if (input.security_groups !== undefined)
    changed.security_groups = checkGroups(call, input.security_groups);
  if (input.allowed_address_pairs !== undefined)
    changed.allowed_address_pairs = pairsOf(input.allowed_address_pairs, changed.mac_address);
  return bound(changed);
}

function removePort(call: Call, port: Port): void {
  if (['network:router_interface', 'network:router_gateway'].includes(port.device_owner))
    throw conflict(
      `Port ${port.id} cannot be deleted directly via the port API: has device owner ${port.device_owner}.`,
      'ServicePortInUse',
    );
  forgetPort(call, port.id);
}

/** Takes a port's floating addresses off it, before it goes. */
export function forgetPort(call: Pick<Call, 'cloud'>, portId: string): void {
  for (const ip of call.cloud.floatingIps.where((one) => one.port_id === portId))
    call.cloud.floatingIps.put({
      ...ip,
      port_id: null,
      fixed_ip_address: null,
      router_id: null,
      status: 'DOWN',
    });
}

/** Puts a port on a device, or takes it off with empty texts. */
export function attachPort(
  call: Call | { cloud: SimulatedCloud },
  port: Port,
  where: Fields,
): Port {
  return call.cloud.ports.put(bound(touch(call as Call, { ...port, ...where } as Port)));
}

export const PORTS: Kind<Port> = {
  collection: 'ports',
  member: 'port',
  missing: (id) => ({ type: 'PortNotFound', message: `Port ${id} could not be found.` }),
  table: (call) => call.cloud.ports,
  defaults: {
    name: '',
    description: '',
    admin_state_up: true,
    device_id: '',
    device_owner: '',
    mac_address: '',
    fixed_ips: [],
    security_groups: [],
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    port_security_enabled: true,
    'binding:host_id': '',
    'binding:profile': {},
    'binding:vnic_type': 'normal',
  },
  fixed: ['network_id'],
  required: ['network_id'],
  adminFields: ['binding:host_id', 'binding:profile'],
  hidden: BINDING,
  mayRead: (call, port) =>
    call.cloud.networks.get(port.network_id)?.project_id === call.who.projectId,
  make: makePort,
  change: changePort,
  remove: removePort,
  match: {
    fixed_ips: (port, value) => {
      const [key = '', wanted] = value.split('=');
      return port.fixed_ips.some((ip) => ip[key as keyof FixedIp] === wanted);
    },
    device_owner: (port, value) =>
      port.device_owner === value || (value.endsWith(':') && port.device_owner.startsWith(value)),
    security_groups: (port, value) => port.security_groups.includes(value),
  },
};
