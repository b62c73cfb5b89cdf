/** A tenant's networks, routers and security groups. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Item, Network, Subnet } from '../model.ts';
import { makeOne } from '../network/collection.ts';
import { NETWORKS, SUBNETS } from '../network/networks.ts';
import { makeRouter } from '../network/routers.ts';
import { SECURITY_GROUP_RULES, SECURITY_GROUPS } from '../network/security.ts';
import { insider } from './insider.ts';
import type { Tenant } from './people.ts';

export interface Surroundings {
  front: Network;
  frontSubnet: Subnet;
  back: Network;
  backSubnet: Subnet;
  groups: Item[];
}

const ANYWHERE = '0.0.0.0/0';

/** The second and the third tenant use the same private addresses, as tenants do. */
const prefixOf = (at: number) => `10.${20 + ((at === 2 ? 1 : at) % 200)}`;

export function layOut(
  cloud: SimulatedCloud,
  tenant: Tenant,
  at: number,
  outside: Network,
): Surroundings {
  const call = insider(cloud, tenant.project.id, tenant.operator.id);
  const { name } = tenant.plan;
  const front = makeOne(call, NETWORKS, { name: `${name}-front`, description: `${name}, front` });
  const frontSubnet = makeOne(call, SUBNETS, {
    name: `${name}-front-v4`,
    network_id: front.id,
    ip_version: 4,
    cidr: `${prefixOf(at)}.0.0/20`,
    dns_nameservers: ['9.9.9.9', '149.112.112.112'],
    allocation_pools: [{ start: `${prefixOf(at)}.0.20`, end: `${prefixOf(at)}.15.250` }],
  });
  const back = makeOne(call, NETWORKS, { name: `${name}-back`, mtu: 1400 });
  const backSubnet = makeOne(call, SUBNETS, {
    name: `${name}-back-v4`,
    network_id: back.id,
    ip_version: 4,
    cidr: `${prefixOf(at)}.16.0/20`,
    host_routes: [{ destination: '192.168.77.0/24', nexthop: `${prefixOf(at)}.16.2` }],
  });
  const gateway = { network_id: outside.id };
  makeRouter(call, { name: `${name}-router`, external_gateway_info: gateway }, [
    frontSubnet.id,
    backSubnet.id,
  ]);
  return { front, frontSubnet, back, backSubnet, groups: securityGroups(cloud, tenant) };
}

function securityGroups(cloud: SimulatedCloud, tenant: Tenant): Item[] {
  const call = insider(cloud, tenant.project.id, tenant.operator.id);
  const web = makeOne(call, SECURITY_GROUPS, { name: 'web', description: 'HTTP from anywhere' });
  const internal = makeOne(call, SECURITY_GROUPS, {
    name: 'internal',
    description: 'Between our own servers',
  });
  const open = (group: Item, port: number, more: Record<string, unknown>) =>
    makeOne(call, SECURITY_GROUP_RULES, {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: port,
      port_range_max: port,
      ...more,
    });
  open(web, 80, { remote_ip_prefix: ANYWHERE });
  open(web, 443, { remote_ip_prefix: ANYWHERE });
  open(internal, 22, { remote_ip_prefix: '192.168.0.0/16', description: 'bastion' });
  open(internal, 5432, { remote_group_id: web.id });
  makeOne(call, SECURITY_GROUP_RULES, {
    security_group_id: internal.id,
    direction: 'ingress',
    remote_group_id: internal.id,
  });
  return [web, internal];
}
