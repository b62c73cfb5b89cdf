/** Floating addresses. */
import type { Fields, FloatingIp, Port } from '../model.ts';
import { pick, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import type { Call } from '../router.ts';
import { found, type Kind } from './collection.ts';
import { NETWORKS } from './networks.ts';
import { allocate, PORTS, takenAddresses } from './ports.ts';
import { routerBetween } from './routers.ts';

const FREE = { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' };

function onPort(call: Call, ip: FloatingIp, input: Fields): FloatingIp {
  if (!input.port_id) return { ...ip, ...FREE };
  const port = found(call, PORTS, textOf(input.port_id));
  const fixed = textOf(input.fixed_ip_address) || port.fixed_ips[0]?.ip_address;
  if (!fixed)
    throw badRequest(
      `Bad floatingip request: Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses.`,
      'BadRequest',
    );
  const other = call.cloud.floatingIps.find(
    (one) =>
      one.id !== ip.id &&
      one.port_id === port.id &&
      one.fixed_ip_address === fixed &&
      one.floating_network_id === ip.floating_network_id,
  );
  if (other)
    throw conflict(
      `Cannot associate floating IP ${ip.floating_ip_address} (${ip.id}) with port ${port.id} using fixed IP ${fixed}, as that fixed IP already has a floating IP on external network ${ip.floating_network_id}.`,
      'FloatingIPPortAlreadyAssociated',
    );
  const router = routerBetween(call.cloud, port, ip.floating_network_id);
  if (!router)
    throw notFound(
      `External network ${ip.floating_network_id} is not reachable from subnet ${port.fixed_ips[0]?.subnet_id}.  Therefore, cannot associate Port ${port.id} with a Floating IP.`,
      'ExternalGatewayForFloatingIPNotFound',
    );
  return {
    ...ip,
    port_id: port.id,
    fixed_ip_address: fixed,
    router_id: router.id,
    status: 'ACTIVE',
  };
}

function make(call: Call, ip: FloatingIp, input: Fields): FloatingIp {
  const network = found(call, NETWORKS, textOf(input.floating_network_id));
  if (network['router:external'] !== true)
    throw badRequest(
      `Bad floatingip request: Network ${network.id} is not a valid external network.`,
      'BadRequest',
    );
  const wish = { ip_address: input.floating_ip_address, subnet_id: input.subnet_id };
  const taken = takenAddresses(call.cloud, network.id);
  const { ip_address } = allocate(call.cloud, network.id, wish, taken);
  return onPort(call, { ...ip, ...FREE, floating_ip_address: ip_address }, input);
}

const DETAILS = [
  ...['name', 'network_id', 'mac_address', 'admin_state_up', 'status', 'device_id', 'device_owner'],
];
const detailsOf = (port: Port | undefined) => (port ? pick(port, DETAILS) : null);

export const FLOATING_IPS: Kind<FloatingIp> = {
  collection: 'floatingips',
  member: 'floatingip',
  missing: (id) => ({
    type: 'FloatingIPNotFound',
    message: `Floating IP ${id} could not be found`,
  }),
  table: (call) => call.cloud.floatingIps,
  defaults: { description: '', port_id: null, fixed_ip_address: null },
  fixed: ['floating_network_id', 'floating_ip_address', 'subnet_id', 'qos_policy_id'],
  adminFields: ['floating_ip_address'],
  required: ['floating_network_id'],
  make,
  change: (call, ip, input) => ('port_id' in input ? onPort(call, ip, input) : ip),
  view: (call, ip) => {
    const { subnet_id: _, ...rest } = ip;
    return { ...rest, port_details: detailsOf(call.cloud.ports.get(ip.port_id ?? '')) };
  },
};
