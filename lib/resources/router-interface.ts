import { networks } from './network.ts';
import { differingLists } from './neutron/collection.ts';
import { addressFor, type Port, ports } from './port.ts';
import { all, present, type ResourceType, type Site } from './resource-type.ts';
import { router, routers } from './router.ts';
import { subnets } from './subnet.ts';

/** Interfaces of plain, distributed and highly available routers; neutron_lib's ROUTER_INTERFACE_OWNERS. */
const OWNERS = [
  'network:router_interface',
  'network:router_interface_distributed',
  'network:ha_router_replicated_interface',
];

const addressesThere = ({ fixed_ips }: Port, { ids }: Site) =>
  fixed_ips.map(({ subnet_id, ip_address }) => ({
    subnet_id: ids.maybe('subnet', subnet_id),
    ip_address,
  }));

const sameAddresses = (fixed_ips: unknown[], theirs: Port) =>
  differingLists({ fixed_ips }, { fixed_ips: theirs.fixed_ips as unknown[] }, ['fixed_ips'])
    .length === 0;

/** The only subnet that it is in, when its address there is the subnet's gateway. */
const gatewaySubnet = async ({ source }: Site, { fixed_ips }: Port) => {
  const [first, second] = fixed_ips;
  if (!first || second) return undefined;
  const { gateway_ip } = await subnets.get(source, first.subnet_id);
  return gateway_ip === first.ip_address ? first.subnet_id : undefined;
};

/** A free port with the interface's addresses and MAC: what an earlier attempt left, or a new one. */
const reservedPort = async (site: Site, body: Port) => {
  const { destination, ids, tenantId } = site;
  const mac_address = body.mac_address.toLowerCase();
  const network_id = ids.of('network', body.network_id);
  const [left] = await all(ports.list(destination, { network_id, mac_address }));
  if (left) return left;
  const { name, description, admin_state_up } = body;
  return ports.create(destination, {
    ...{ name, description, admin_state_up, mac_address, network_id },
    project_id: ids.of('tenant', tenantId),
    fixed_ips: await Promise.all(body.fixed_ips.map((one) => addressFor(site, one))),
  });
};

/**
 * A router's place in a subnet: asked for by subnet where it is the subnet's gateway, else by a port
 * that holds its addresses.
 *
 * @see https://docs.openstack.org/api-ref/network/v2/#add-interface-to-router
 */
export const routerInterface: ResourceType<Port> = {
  type: 'router_interface',
  scope: 'tenant',
  created: 'router interface added',
  id: ({ id }) => id,
  label: ({ fixed_ips, id }) => fixed_ips[0]?.ip_address ?? id,

  async discover({ source, tenantId, found }) {
    const own = await all(networks.list(source, { project_id: tenantId }));
    const lists = await Promise.all([
      ports.listBy(
        source,
        'device_id',
        found(router).map(({ id }) => id),
      ),
      ports.listBy(
        source,
        'network_id',
        own.map(({ id }) => id),
        { device_owner: OWNERS },
      ),
    ]);
    const unique = new Map(lists.flat().map((one) => [one.id, one]));
    return [...unique.values()].filter(({ device_owner }) => OWNERS.includes(device_owner));
  },

  get: (source, id) => ports.get(source, id),

  needs: ({ device_id, network_id, fixed_ips }) => [
    { type: 'router', id: device_id },
    { type: 'network', id: network_id },
    ...fixed_ips.map(({ subnet_id }) => ({ type: 'subnet', id: subnet_id })),
  ],

  async find(site, body) {
    const { destination, ids } = site;
    const device_id = ids.maybe('router', body.device_id);
    const network_id = ids.maybe('network', body.network_id);
    if (!device_id || !network_id) return [];
    const found = await all(ports.list(destination, { device_id, network_id }));
    return found
      .filter(({ device_owner }) => OWNERS.includes(device_owner))
      .filter((one) => sameAddresses(addressesThere(body, site), one))
      .map((one) => ({ id: one.id, body: one }));
  },

  differences: () => [],

  async create(site, body) {
    const path = `/v2.0/routers/${site.ids.of('router', body.device_id)}/add_router_interface`;
    const subnet = await gatewaySubnet(site, body);
    const wish = subnet
      ? { subnet_id: site.ids.of('subnet', subnet) }
      : { port_id: (await reservedPort(site, body)).id };
    return (await site.destination.put<{ port_id: string }>('network', path, wish)).port_id;
  },

  event: ({ device_id, network_id, fixed_ips }, { ids }) => ({
    router_id: ids.of('router', device_id),
    network_id: ids.of('network', network_id),
    ...(fixed_ips[0] && { address: fixed_ips[0].ip_address }),
  }),

  obstacles: ({ device_id }, { found }) =>
    found(router).some(({ id }) => id === device_id)
      ? []
      : [`router ${device_id} of another tenant is attached to a network of this one`],

  removal: {
    event: 'router interface removed',
    /** Those of marked routers. */
    async *find(cloud, mark) {
      const doomed = new Map((await all(routers.marked(cloud, mark))).map((one) => [one.id, one]));
      for (const { id, device_id, device_owner } of await ports.listBy(
        cloud,
        'device_id',
        doomed.keys(),
      )) {
        const name = doomed.get(device_id)?.name ?? device_id;
        if (!OWNERS.includes(device_owner)) continue;
        yield { id: `${device_id}/${id}`, name, told: { id, router_id: device_id } };
      }
    },
    /** Routes through it are in its way, so the router's go first. */
    async remove(cloud, id) {
      const [router_id = '', port_id] = id.split('/');
      const path = `/v2.0/routers/${router_id}/remove_router_interface`;
      const known = await present(routers.get(cloud, router_id));
      if (known?.routes.length) await routers.update(cloud, router_id, { routes: [] });
      if (known) await present(cloud.put('network', path, { port_id }));
    },
  },
};
