import type { Reference } from '../domain/plan.ts';
import { port } from './port.ts';
import type { ResourceType, Site } from './resource-type.ts';
import { routerInterface } from './router-interface.ts';
import { getSubnet, type Subnet, subnet, subnets } from './subnet.ts';

/** A subnet with DHCP on, and whose addresses have to be taken before that. */
export interface SubnetDhcp extends Subnet {
  /** Known to discovery alone. */
  takers?: Reference[];
}

const settle = async ({ destination }: Site, _body: SubnetDhcp, id: string) => {
  if ((await subnets.get(destination, id)).enable_dhcp) return;
  await subnets.update(destination, id, { enable_dhcp: true });
};

/** DHCP of a subnet, turned on once the tenant's ports and routers have their addresses in it. */
export const subnetDhcp: ResourceType<SubnetDhcp> = {
  type: 'subnet_dhcp',
  scope: 'tenant',
  shared: () => true,
  partOf: ({ id }) => ({ type: 'subnet', id }),
  created: 'subnet dhcp enabled',
  id: ({ id }) => id,
  label: (body) => `DHCP of ${subnet.label(body)}`,

  async discover({ tenantId, found }) {
    const takers = [port, routerInterface].flatMap((resource) =>
      found(resource).map(({ id, fixed_ips }) => ({ type: resource.type, id, fixed_ips })),
    );
    return found(subnet)
      .filter(({ enable_dhcp, network_owner }) => enable_dhcp && network_owner === tenantId)
      .map((body) => ({
        ...body,
        takers: takers
          .filter(({ fixed_ips }) => fixed_ips.some(({ subnet_id }) => subnet_id === body.id))
          .map(({ type, id }) => ({ type, id })),
      }));
  },

  get: (source, id) => getSubnet(source, id),
  needs: ({ id, takers = [] }) => [{ type: 'subnet', id }, ...takers],

  async find({ destination, ids }, body) {
    const id = ids.maybe('subnet', body.id);
    return id ? [{ id, body: await subnets.get(destination, id) }] : [];
  },

  differences: (_mine, { enable_dhcp }) => (enable_dhcp ? [] : ['enable_dhcp']),

  async create(site, body) {
    const id = site.ids.of('subnet', body.id);
    await settle(site, body, id);
    return id;
  },

  settle,
  event: ({ name, cidr }) => ({ name, cidr }),
};
