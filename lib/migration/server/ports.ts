/** A server's ports in the order of its network cards. */
import type { Cloud } from '../../ports.ts';
import { all } from '../../resources/resource-type.ts';
import type { Server } from '../../resources/server.ts';

export interface ServerPort {
  id: string;
  mac_address: string;
  network_id: string;
  fixed_ips: { subnet_id: string; ip_address: string }[];
  security_groups: string[];
  device_id: string;
}

/**
 * The order of the cards is that in which Nova lists the addresses; Neutron knows no order.
 * @see nova/api/openstack/compute/views/addresses.py
 */
const macsInOrder = ({ addresses }: Server) => [
  ...new Set(
    Object.values(addresses)
      .flat()
      .map((address) => address['OS-EXT-IPS-MAC:mac_addr'].toLowerCase()),
  ),
];

export const portsOf = async (cloud: Cloud, server: Server): Promise<ServerPort[]> => {
  const query = { device_id: server.id };
  const ports = await all(cloud.list<ServerPort>('network', '/v2.0/ports', 'ports', { query }));
  const order = macsInOrder(server);
  const place = ({ mac_address }: ServerPort) => {
    const index = order.indexOf(mac_address.toLowerCase());
    return index < 0 ? order.length : index;
  };
  return ports.sort((a, b) => place(a) - place(b));
};
