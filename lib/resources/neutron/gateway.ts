/** Outgoing addresses of routers, chosen so that they are in nobody's way. */
import type { Port } from '../port.ts';
import { all, type Site } from '../resource-type.ts';
import type { Subnet } from '../subnet.ts';
import { ipv4Of, numberOf } from './address.ts';
import { collection } from './collection.ts';

const ports = collection<Port>('port', 'ports');
const subnets = collection<Subnet>('subnet', 'subnets');

const firstFree = ({ allocation_pools }: Subnet, taken: ReadonlySet<string>) => {
  for (const { start, end } of allocation_pools) {
    for (let address = numberOf(start); address <= numberOf(end); address++) {
      if (!taken.has(ipv4Of(address))) return ipv4Of(address);
    }
  }
  return undefined;
};

/**
 * An address for a router on an external network that neither cloud uses there. Left alone, Neutron
 * takes any; and that may be one that a floating IP of this or the next tenant is to keep.
 *
 * `refused` are those that the destination would not give. Answers undefined when there is no such address, or no IPv4: then Neutron may choose.
 */
export const gatewayAddresses = async (
  { source, destination }: Site,
  network: { here: string; there: string },
  refused: readonly string[],
): Promise<{ subnet_id: string; ip_address?: string }[] | undefined> => {
  const [here, there, ranges] = await Promise.all([
    all(ports.list(source, { network_id: network.here })),
    all(ports.list(destination, { network_id: network.there })),
    all(subnets.list(destination, { network_id: network.there })),
  ]);
  const used = [...here, ...there].flatMap(({ fixed_ips }) => fixed_ips);
  const taken = new Set([...refused, ...used.map(({ ip_address }) => ip_address)]);
  for (const range of ranges.filter(({ ip_version }) => ip_version === 4)) {
    const ip_address = firstFree(range, taken);
    const v6 = ranges.filter(({ ip_version }) => ip_version === 6).slice(0, 1);
    if (ip_address)
      return [{ subnet_id: range.id, ip_address }, ...v6.map(({ id }) => ({ subnet_id: id }))];
  }
  return undefined;
};
