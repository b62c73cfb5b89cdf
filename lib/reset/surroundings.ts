/** What servers live in: networks, a router where one is needed, the rules of the default group. */
import { PumphouseError } from '../domain/errors.ts';
import type { Workload, WorkloadTenant } from '../domain/workload.ts';
import type { Cloud } from '../ports.ts';
import { networks } from '../resources/network.ts';
import { ports } from '../resources/port.ts';
import { all } from '../resources/resource-type.ts';
import { routers } from '../resources/router.ts';
import { securityGroups } from '../resources/security-group.ts';
import { addRule } from '../resources/security-group-rules.ts';
import { subnets } from '../resources/subnet.ts';
import type { Ground, Step } from './step.ts';

/**
 * The network that floating IPs come from.
 * @throws ResourceNotFound, ResourceConflict when there are several and none is named
 */
export const externalNetwork = async (cloud: Cloud, wanted?: string): Promise<string> => {
  const query = { 'router:external': true, ...(wanted && { name: wanted }) };
  const [found, other] = await all(networks.list(cloud, query));
  if (found && !other) return found.id;
  const which = wanted ? `external network named ${wanted}` : 'external network';
  throw found
    ? new PumphouseError('ResourceConflict', `The source has more than one ${which}; name one`)
    : new PumphouseError('ResourceNotFound', `The source has no ${which}`);
};

const ofTenant = ({ ids }: Ground, tenant: string) => ({ project_id: ids.of('tenant', tenant) });

type WorkloadNetwork = WorkloadTenant['networks'][number];

const networkStep = (label: string, tenant: string, { name }: WorkloadNetwork): Step => ({
  ...{ type: 'network', key: `${tenant}/${name}`, label, wave: 1 },
  async find(ground) {
    const query = { name: label, ...ofTenant(ground, tenant) };
    return (await all(networks.list(ground.cloud, query)))[0]?.id;
  },
  make: async (ground) =>
    (await networks.create(ground.cloud, { name: label, ...ofTenant(ground, tenant) })).id,
  tell: ({ ids }, id) => [
    { name: 'network created', data: { id, name: label, tenant_id: ids.of('tenant', tenant) } },
  ],
});

const subnetStep = (label: string, tenant: string, { name, cidr }: WorkloadNetwork): Step => {
  const key = `${tenant}/${name}`;
  const network = ({ ids }: Ground) => ({ network_id: ids.of('network', key) });
  return {
    ...{ type: 'subnet', key, label, wave: 2 },
    async find(ground) {
      const [found] = await all(subnets.list(ground.cloud, { ...network(ground), cidr }));
      return found?.id;
    },
    async make(ground) {
      const body = { name: label, cidr, ip_version: 4, ...network(ground) };
      return (await subnets.create(ground.cloud, { ...body, ...ofTenant(ground, tenant) })).id;
    },
    tell: (ground, id) => [
      { name: 'subnet created', data: { id, name: label, cidr, ...network(ground) } },
    ],
  };
};

const routerStep = (label: string, tenant: string, external?: string): Step => ({
  ...{ type: 'router', key: tenant, label, wave: 2 },
  async find(ground) {
    const query = { name: label, ...ofTenant(ground, tenant) };
    return (await all(routers.list(ground.cloud, query)))[0]?.id;
  },
  async make(ground) {
    const gateway = { network_id: await externalNetwork(ground.cloud, external) };
    const body = { name: label, external_gateway_info: gateway, ...ofTenant(ground, tenant) };
    return (await routers.create(ground.cloud, body)).id;
  },
  tell: ({ ids }, id) => [
    { name: 'router created', data: { id, name: label, tenant_id: ids.of('tenant', tenant) } },
  ],
});

const interfaceStep = (label: string, tenant: string, { name }: WorkloadNetwork): Step => ({
  ...{ type: 'router_interface', key: `${tenant}/${name}`, label, wave: 3 },
  async find({ cloud, ids }) {
    const device_id = ids.of('router', tenant);
    const network_id = ids.of('network', `${tenant}/${name}`);
    return (await all(ports.list(cloud, { device_id, network_id })))[0]?.id;
  },
  async make({ cloud, ids }) {
    const path = `/v2.0/routers/${ids.of('router', tenant)}/add_router_interface`;
    const body = { subnet_id: ids.of('subnet', `${tenant}/${name}`) };
    return (await cloud.put<{ port_id: string }>('network', path, body)).port_id;
  },
  tell: ({ ids }, id) => [
    { name: 'router interface added', data: { id, router_id: ids.of('router', tenant) } },
  ],
});

/** What the default group of every tenant lets in beside its own: pings, and the web. */
const LET_IN = [
  { protocol: 'icmp' },
  { protocol: 'tcp', port_range_min: 80, port_range_max: 80 },
] as const;

const rulesStep = (tenant: string): Step => ({
  ...{ type: 'secgroup', key: tenant, label: 'default', wave: 1 },
  // Asking for a project's groups is what makes Neutron make this one.
  async find(ground) {
    const query = { name: 'default', ...ofTenant(ground, tenant) };
    return (await all(securityGroups.list(ground.cloud, query)))[0]?.id;
  },
  make: () =>
    Promise.reject(
      new PumphouseError('ResourceNotFound', `Tenant ${tenant} has no security group default`),
    ),
  async settle(ground, security_group_id) {
    const more = { direction: 'ingress', ethertype: 'IPv4', ...ofTenant(ground, tenant) };
    for (const rule of LET_IN) await addRule(ground.cloud, { ...rule, ...more, security_group_id });
  },
  tell: (_ground, id) => [
    { name: 'secgroup rules set', data: { id, name: 'default', rules: LET_IN.length } },
  ],
});

const needsRouter = ({ floating_ips, servers }: WorkloadTenant) =>
  floating_ips > 0 || servers.some(({ floating_ip }) => floating_ip);

/** Everything that a workload's servers live in. */
export const surroundingSteps = (
  { tenants, external_network }: Workload,
  named: (name: string) => string,
): Step[] =>
  tenants.flatMap((tenant) => [
    rulesStep(tenant.name),
    ...tenant.networks.flatMap((network) => [
      networkStep(named(network.name), tenant.name, network),
      subnetStep(named(network.name), tenant.name, network),
      ...(needsRouter(tenant) ? [interfaceStep(named(network.name), tenant.name, network)] : []),
    ]),
    ...(needsRouter(tenant)
      ? [routerStep(named(`${tenant.name}-router`), tenant.name, external_network)]
      : []),
  ]);
