/** Routers: gateways outwards, interfaces inwards. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, FixedIp, Gateway, Port, Router } from '../model.ts';
import { recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Call, ok, type Routes } from '../router.ts';
import { found, type Kind, makeOne, stamped, touch } from './collection.ts';
import { NETWORKS, SUBNETS } from './networks.ts';
import { allocateAll, PORTS } from './ports.ts';

const INTERFACE = 'network:router_interface';
const GATEWAY = 'network:router_gateway';

const portsOf = (cloud: SimulatedCloud, routerId: string, owner: string): Port[] =>
  cloud.ports.where((port) => port.device_id === routerId && port.device_owner === owner);

/** True when a port of the network could be reached through a router with a gateway to `externalId`. */
export function routerBetween(
  cloud: SimulatedCloud,
  port: Port,
  externalId: string,
): Router | undefined {
  const subnets = port.fixed_ips.map((ip) => ip.subnet_id);
  return cloud.routers.find(
    (router) =>
      router.external_gateway_info?.network_id === externalId &&
      portsOf(cloud, router.id, INTERFACE).some((one) =>
        one.fixed_ips.some((ip) => subnets.includes(ip.subnet_id)),
      ),
  );
}

function servicePort(call: Call, router: Router, owner: string, fields: Fields): Port {
  const isGateway = owner === GATEWAY;
  const port = stamped<Port>(
    call,
    { ...PORTS.defaults, ...fields, device_id: router.id, device_owner: owner, status: 'DOWN' },
    isGateway ? '' : router.project_id,
  );
  const mac = ['fa', '16', '3e', ...(call.cloud.newHexId().slice(0, 6).match(/../g) ?? [])];
  return call.cloud.ports.put({
    ...port,
    mac_address: mac.join(':'),
    port_security_enabled: false,
    'binding:vif_type': 'unbound',
    'binding:vif_details': {},
  });
}

/** Makes, moves or takes away the gateway port, as `external_gateway_info` says. */
function setGateway(call: Call, router: Router, input: unknown): Router {
  const { cloud } = call;
  const wanted = recordOf(input);
  const taken = cloud.floatingIps.find((ip) => ip.router_id === router.id);
  const before = router.external_gateway_info;
  if (taken && before && wanted.network_id !== before.network_id)
    throw conflict(
      `Gateway cannot be updated for router ${router.id}, since a gateway to external network ${before.network_id} is required by one or more floating IPs.`,
      'RouterExternalGatewayInUseByFloatingIp',
    );
  for (const port of portsOf(cloud, router.id, GATEWAY)) cloud.ports.drop(port.id);
  if (!wanted.network_id) return { ...router, external_gateway_info: null };
  const network = found(call, NETWORKS, textOf(wanted.network_id));
  if (network['router:external'] !== true)
    throw badRequest(
      `Bad router request: Network ${network.id} is not an external network.`,
      'BadRequest',
    );
  const ips = allocateAll(cloud, network.id, wanted.external_fixed_ips, '');
  servicePort(call, router, GATEWAY, { network_id: network.id, fixed_ips: ips });
  const gateway: Gateway = {
    network_id: network.id,
    external_fixed_ips: ips,
    enable_snat: wanted.enable_snat !== false,
  };
  return { ...router, external_gateway_info: gateway };
}

export const ROUTERS: Kind<Router> = {
  collection: 'routers',
  member: 'router',
  missing: (id) => ({ type: 'RouterNotFound', message: `Router ${id} could not be found` }),
  table: (call) => call.cloud.routers,
  defaults: {
    name: '',
    description: '',
    admin_state_up: true,
    external_gateway_info: null,
    routes: [],
    distributed: false,
    ha: false,
  },
  fixed: ['availability_zone_hints', 'flavor_id'],
  adminFields: ['distributed', 'ha'],
  make: (call, router, input) => ({
    ...setGateway(call, { ...router, external_gateway_info: null }, input.external_gateway_info),
    status: 'ACTIVE',
    availability_zones: [],
    availability_zone_hints: [],
    flavor_id: null,
  }),
  change: (call, router, input, before) => {
    if (input.external_gateway_info === undefined) return router;
    const clean = { ...router, external_gateway_info: before.external_gateway_info };
    return setGateway(call, clean, input.external_gateway_info);
  },
  remove: (call, router) => {
    const interfaces = portsOf(call.cloud, router.id, INTERFACE);
    if (interfaces.length > 0)
      throw conflict(
        `Router ${router.id} has ports still attached: ${interfaces.map((port) => port.id).join(', ')}`,
        'RouterInUse',
      );
    for (const port of portsOf(call.cloud, router.id, GATEWAY)) call.cloud.ports.drop(port.id);
  },
};

function subnetPort(call: Call, router: Router, subnetId: string): Port {
  const subnet = found(call, SUBNETS, subnetId);
  const has = portsOf(call.cloud, router.id, INTERFACE).some((port) =>
    port.fixed_ips.some((ip) => ip.subnet_id === subnet.id),
  );
  if (has)
    throw badRequest(
      `Bad router request: Router already has a port on subnet ${subnet.id}.`,
      'BadRequest',
    );
  if (!subnet.gateway_ip)
    throw badRequest(
      'Bad router request: Subnet for router interface must have a gateway IP.',
      'BadRequest',
    );
  const wish = [{ subnet_id: subnet.id, ip_address: subnet.gateway_ip }];
  const ips: FixedIp[] = allocateAll(call.cloud, subnet.network_id, wish, '');
  return servicePort(call, router, INTERFACE, { network_id: subnet.network_id, fixed_ips: ips });
}

function adopt(call: Call, router: Router, portId: string): Port {
  const port = found(call, PORTS, portId);
  if (port.device_id)
    throw conflict(
      `Unable to complete operation on port ${port.id} for network ${port.network_id}. Port already has an attached device ${port.device_id}.`,
      'PortInUse',
    );
  return call.cloud.ports.put(
    touch(call, { ...port, device_id: router.id, device_owner: INTERFACE, security_groups: [] }),
  );
}

const summary = (router: Router, port: Port) => ({
  id: router.id,
  tenant_id: router.project_id,
  port_id: port.id,
  network_id: port.network_id,
  subnet_id: port.fixed_ips[0]?.subnet_id,
  subnet_ids: port.fixed_ips.map((ip) => ip.subnet_id),
});

function addInterface(call: Call) {
  const router = found(call, ROUTERS, call.param('id'));
  const { subnet_id, port_id } = call.body;
  if (!subnet_id === !port_id)
    throw badRequest(
      'Bad router request: Either subnet_id or port_id must be specified.',
      'BadRequest',
    );
  const port = port_id
    ? adopt(call, router, textOf(port_id))
    : subnetPort(call, router, textOf(subnet_id));
  return ok(summary(router, port));
}

function removeInterface(call: Call) {
  const router = found(call, ROUTERS, call.param('id'));
  const { subnet_id, port_id } = call.body;
  const port = portsOf(call.cloud, router.id, INTERFACE).find(
    (one) => one.id === port_id || one.fixed_ips.some((ip) => ip.subnet_id === subnet_id),
  );
  if (!port)
    throw notFound(
      `Router ${router.id} has no interface on subnet ${textOf(subnet_id)}`,
      'RouterInterfaceNotFoundForSubnet',
    );
  const needed = call.cloud.floatingIps.find((ip) => {
    const target = ip.router_id === router.id && call.cloud.ports.get(ip.port_id ?? '');
    return !!target && target.network_id === port.network_id;
  });
  if (needed)
    throw conflict(
      `Router interface for subnet ${port.fixed_ips[0]?.subnet_id} on router ${router.id} cannot be deleted, as it is required by one or more floating IPs.`,
      'RouterInterfaceInUseByFloatingIP',
    );
  call.cloud.ports.drop(port.id);
  return ok(summary(router, port));
}

export const interfaceRoutes: Routes = {
  'PUT /v2.0/routers/:id/add_router_interface': addInterface,
  'PUT /v2.0/routers/:id/remove_router_interface': removeInterface,
};

/** A router with an interface in each subnet: how the seeded workload makes its own. */
export function makeRouter(call: Call, input: Fields, subnetIds: readonly string[]): Router {
  const router = makeOne(call, ROUTERS, input);
  for (const id of subnetIds) subnetPort(call, router, id);
  return router;
}
