/** A tenant in the source whose network side has one of everything that is carried. */
import { randomBytes } from 'node:crypto';
import type { Cloud } from '../../../../lib/ports.ts';
import { all } from '../../../../lib/resources/resource-type.ts';

export interface BusyTenant {
  id: string;
  name: string;
  /** The one that leads to `web`, and the one that leads nowhere. */
  floating: { used: string; free: string };
  ports: Record<'web' | 'twin' | 'bare' | 'auto', string>;
}

/** Makes something on the network side. */
export const make = async (cloud: Cloud, kind: string, body: object, plural = `${kind}s`) => {
  const path = `/v2.0/${plural.replaceAll('_', '-')}`;
  const answer = await cloud.post<Record<string, { id: string }>>('network', path, {
    [kind]: body,
  });
  return answer[kind] as { id: string } & Record<string, unknown>;
};

const tag = (cloud: Cloud, plural: string, id: string, ...tags: string[]) =>
  cloud.put('network', `/v2.0/${plural}/${id}/tags`, { tags });

const clearRules = async (cloud: Cloud, security_group_id: string, query = {}) => {
  const rules = cloud.list<{ id: string }>(
    'network',
    '/v2.0/security-group-rules',
    'security_group_rules',
    { query: { security_group_id, ...query } },
  );
  for (const { id } of await all(rules)) {
    await cloud.delete('network', `/v2.0/security-group-rules/${id}`);
  }
};

const makeGroups = async (cloud: Cloud, project_id: string) => {
  const group = (name: string, more = {}) =>
    make(cloud, 'security_group', { name, project_id, ...more });
  const web = await group('web', { description: 'the web tier' });
  const db = await group('db');
  const fast = await group('fast', { stateful: false });
  const rule = (security_group_id: string, body: object) =>
    make(cloud, 'security_group_rule', {
      ...{ security_group_id, project_id, direction: 'ingress', ethertype: 'IPv4', ...body },
    });
  await rule(web.id, { protocol: 'tcp', port_range_min: 443, port_range_max: 443 });
  await rule(web.id, { protocol: 'udp', remote_ip_prefix: '10.1.2.3/16', description: 'games' });
  await rule(web.id, { protocol: 'icmp', port_range_min: 8, port_range_max: 0 });
  await rule(web.id, { protocol: '112', remote_group_id: db.id });
  await rule(db.id, { protocol: 'tcp', remote_group_id: web.id });
  await rule(db.id, { ethertype: 'IPv6', remote_ip_prefix: '2001:db8::/32' });
  await clearRules(cloud, fast.id);
  await tag(cloud, 'security-groups', web.id, 'tier=web');
  const groups = cloud.list<{ id: string; name: string }>(
    'network',
    '/v2.0/security-groups',
    'security_groups',
    { query: { project_id, name: 'default' } },
  );
  const [standard] = await all(groups);
  if (standard) await clearRules(cloud, standard.id, { direction: 'ingress', ethertype: 'IPv6' });
  return { web, db, fast };
};

const makeNetworks = async (cloud: Cloud, project_id: string) => {
  const front = await make(cloud, 'network', {
    ...{ name: 'front', project_id, description: 'where it is seen', mtu: 1400 },
  });
  const back = await make(cloud, 'network', { name: 'back', project_id });
  await tag(cloud, 'networks', front.id, 'seen', 'busy');
  const subnet = (network_id: string, body: object) =>
    make(cloud, 'subnet', { network_id, project_id, ip_version: 4, ...body });
  const wide = await subnet(front.id, {
    ...{ name: 'wide', cidr: '10.20.0.0/22', gateway_ip: '10.20.3.254' },
    allocation_pools: [
      { start: '10.20.1.0', end: '10.20.1.200' },
      { start: '10.20.0.20', end: '10.20.0.90' },
    ],
    dns_nameservers: ['192.0.2.53', '192.0.2.35'],
    host_routes: [{ destination: '10.99.0.0/16', nexthop: '10.20.0.5' }],
  });
  await tag(cloud, 'subnets', wide.id, 'v4');
  const closed = await subnet(back.id, {
    ...{ name: '', cidr: '10.21.0.0/24', gateway_ip: null, enable_dhcp: false },
  });
  const auto = await subnet(back.id, {
    ...{ name: 'auto', cidr: '2001:db8:1::/64', ip_version: 6 },
    ...{ ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' },
  });
  return { front, back, wide, closed, auto };
};

type Networks = Awaited<ReturnType<typeof makeNetworks>>;

const makeRouter = async (cloud: Cloud, project_id: string, parts: Networks, external: string) => {
  const router = await make(cloud, 'router', {
    ...{ name: 'out', project_id, description: 'the way out' },
    external_gateway_info: { network_id: external, enable_snat: false },
  });
  const add = (body: object) =>
    cloud.put('network', `/v2.0/routers/${router.id}/add_router_interface`, body);
  await add({ subnet_id: parts.wide.id });
  const fixed_ips = [{ subnet_id: parts.closed.id, ip_address: '10.21.0.77' }];
  const port = await make(cloud, 'port', { network_id: parts.back.id, project_id, fixed_ips });
  await add({ port_id: port.id });
  const routes = [{ destination: '172.30.0.0/16', nexthop: '10.21.0.9' }];
  await cloud.put('network', `/v2.0/routers/${router.id}`, { router: { routes } });
  await tag(cloud, 'routers', router.id, 'out');
};

const makePorts = async (
  cloud: Cloud,
  project_id: string,
  { front, back, wide, closed, auto }: Networks,
  { web, db }: { web: { id: string }; db: { id: string } },
) => {
  const port = (network_id: string, body: object) =>
    make(cloud, 'port', { network_id, project_id, ...body });
  const at = (subnet: { id: string }, ip_address: string) => ({ subnet_id: subnet.id, ip_address });
  const first = await port(front.id, {
    ...{ name: 'web', description: 'its first card', mac_address: '02:00:5E:10:00:01' },
    ...{ fixed_ips: [at(wide, '10.20.1.7')], security_groups: [web.id, db.id] },
    allowed_address_pairs: [{ ip_address: '10.20.2.1' }],
    extra_dhcp_opts: [{ opt_name: 'bootfile-name', opt_value: 'pxe.0' }],
  });
  await tag(cloud, 'ports', first.id, 'card=1');
  const twin = await port(front.id, {
    ...{ admin_state_up: false, security_groups: [] },
    fixed_ips: [at(wide, '10.20.0.30'), at(wide, '10.20.1.30')],
  });
  const bare = await port(back.id, {
    ...{ port_security_enabled: false, fixed_ips: [at(closed, '10.21.0.8')] },
  });
  const self = await port(back.id, { fixed_ips: [{ subnet_id: auto.id }] });
  return { web: first.id, twin: twin.id, bare: bare.id, auto: self.id };
};

/** An empty tenant of the test's own. */
export const makeTenant = async (cloud: Cloud): Promise<{ id: string; name: string }> => {
  const name = `nettest-${randomBytes(4).toString('hex')}`;
  const { project } = await cloud.post<{ project: { id: string } }>('identity', '/projects', {
    project: { name, domain_id: 'default' },
  });
  return { id: project.id, name };
};

/** Builds it; names and addresses outside its own networks are its own, so that many can stand. */
export const makeBusyTenant = async (cloud: Cloud, external: string): Promise<BusyTenant> => {
  const project = await makeTenant(cloud);
  const groups = await makeGroups(cloud, project.id);
  const networks = await makeNetworks(cloud, project.id);
  await makeRouter(cloud, project.id, networks, external);
  const ports = await makePorts(cloud, project.id, networks, groups);
  const floating = (body: object) =>
    make(cloud, 'floatingip', { floating_network_id: external, project_id: project.id, ...body });
  const used = await floating({ port_id: ports.web, description: 'seen by all' });
  const free = await floating({});
  await tag(cloud, 'floatingips', free.id, 'spare');
  const address = (one: Record<string, unknown>) => String(one.floating_ip_address);
  return {
    ...{ ...project, ports },
    floating: { used: address(used), free: address(free) },
  };
};

/** Takes away a project and all that it has on the network side. */
export const clearTenant = async (cloud: Cloud, project_id: string): Promise<void> => {
  interface One {
    id: string;
    device_owner: string;
    device_id: string;
    name: string;
  }
  const listed = (plural: string) =>
    all(
      cloud.list<One>('network', `/v2.0/${plural}`, plural.replaceAll('-', '_'), {
        query: { project_id },
      }),
    );
  const drop = async (plural: string, which: (one: One) => boolean = () => true) => {
    for (const one of (await listed(plural)).filter(which)) {
      await cloud.delete('network', `/v2.0/${plural}/${one.id}`);
    }
  };
  await drop('floatingips');
  for (const { id } of await listed('routers')) {
    await cloud.put('network', `/v2.0/routers/${id}`, { router: { routes: [] } });
  }
  for (const { id, device_id, device_owner } of await listed('ports')) {
    if (device_owner !== 'network:router_interface') continue;
    const path = `/v2.0/routers/${device_id}/remove_router_interface`;
    await cloud.put('network', path, { port_id: id });
  }
  await drop('routers');
  await drop('ports');
  await drop('networks');
  await drop('security-group-rules');
  await drop('security-groups', ({ name }) => name !== 'default');
  await cloud.delete('identity', `/projects/${project_id}`);
  await drop('security-groups');
};
