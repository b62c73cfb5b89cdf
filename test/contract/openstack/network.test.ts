import { beforeAll, describe, expect, test } from 'vitest';
import { type Body, type Session, underContract, unique } from './session.ts';

const { cloud, after } = underContract();
let external: Body;
beforeAll(async () => {
  const found = await admin('GET', '/networks?router:external=True');
  external = found.body.networks[0];
});

const call = (who: Session, method: string, path: string, body?: unknown) =>
  who.call(method, 'network', `/v2.0${path}`, body === undefined ? {} : { body });
const admin = (method: string, path: string, body?: unknown) =>
  call(cloud.admin, method, path, body);
const member = (method: string, path: string, body?: unknown) =>
  call(cloud.member, method, path, body);

const UNKNOWN = '11111111-2222-4333-8444-555555555555';

const KEYS: Record<string, string> = {
  networks: 'network',
  subnets: 'subnet',
  ports: 'port',
  routers: 'router',
  floatingips: 'floatingip',
  'security-groups': 'security_group',
  'security-group-rules': 'security_group_rule',
};

async function make(collection: string, fields: object, who = cloud.admin): Promise<Body> {
  const key = KEYS[collection] ?? '';
  const answer = await call(who, 'POST', `/${collection}`, { [key]: fields });
  expect(answer.status, answer.text).toBe(201);
  const item = answer.body[key];
  after.add(() => admin('DELETE', `/${collection}/${item.id}`));
  return item;
}

const refused = async (collection: string, fields: object, who = cloud.admin) => {
  const answer = await call(who, 'POST', `/${collection}`, { [KEYS[collection] ?? '']: fields });
  return [answer.status, answer.body.NeutronError.type];
};

async function landscape(cidr: string, who = cloud.admin) {
  const network = await make('networks', { name: unique('net') }, who);
  const subnet = await make('subnets', { network_id: network.id, cidr, ip_version: 4 }, who);
  return { network, subnet };
}

describe('networks', () => {
  test('have the fields of Neutron; provider fields are for admins', async () => {
    const name = unique('net');
    const made = await make('networks', { name, description: 'd', mtu: 1400 });
    const { body } = await admin('GET', `/networks/${made.id}`);
    expect(body.network).toMatchObject({
      name,
      description: 'd',
      mtu: 1400,
      admin_state_up: true,
      status: 'ACTIVE',
      subnets: [],
      shared: false,
      'router:external': false,
      port_security_enabled: true,
      tags: [],
      project_id: cloud.admin.projectId,
      tenant_id: cloud.admin.projectId,
    });
    expect(body.network).toHaveProperty('provider:segmentation_id');
    const own = await make('networks', { name }, cloud.member);
    const seen = await member('GET', `/networks/${own.id}`);
    expect(seen.body.network).not.toHaveProperty('provider:segmentation_id');
  });

  test('are refused with unknown fields, to members as external, and for other projects', async () => {
    const name = unique('net');
    expect(await refused('networks', { name, bogus: 1 })).toEqual([400, 'HTTPBadRequest']);
    expect(await refused('networks', { name, 'router:external': true }, cloud.member)).toEqual([
      403,
      'PolicyNotAuthorized',
    ]);
    const elsewhere = { name, project_id: cloud.admin.projectId };
    expect(await refused('networks', elsewhere, cloud.member)).toEqual([400, 'HTTPBadRequest']);
  });

  test('of another project do not exist for a member, external ones do', async () => {
    const { network } = await landscape('10.91.0.0/24');
    expect((await member('GET', `/networks/${network.id}`)).status).toBe(404);
    const seen = await member('GET', '/networks');
    const ids = seen.body.networks.map((one: Body) => one.id);
    expect(ids).toContain(external.id);
    expect(ids).not.toContain(network.id);
  });

  test('an admin makes them for another project', async () => {
    const made = await make('networks', {
      name: unique('net'),
      project_id: cloud.member.projectId,
    });
    expect(made.tenant_id).toBe(cloud.member.projectId);
  });

  test('with ports on them are not deleted', async () => {
    const { network, subnet } = await landscape('10.92.0.0/24');
    await make('ports', { network_id: network.id });
    const answer = await admin('DELETE', `/networks/${network.id}`);
    expect([answer.status, answer.body.NeutronError.type]).toEqual([409, 'NetworkInUse']);
    const other = await admin('DELETE', `/subnets/${subnet.id}`);
    expect([other.status, other.body.NeutronError.type]).toEqual([409, 'SubnetInUse']);
  });

  test.each([
    ['networks', 'NetworkNotFound'],
    ['subnets', 'SubnetNotFound'],
    ['ports', 'PortNotFound'],
    ['routers', 'RouterNotFound'],
    ['floatingips', 'FloatingIPNotFound'],
    ['security-groups', 'SecurityGroupNotFound'],
    ['security-group-rules', 'SecurityGroupRuleNotFound'],
  ])('an unknown one of %s is %s', async (collection, type) => {
    const answer = await admin('GET', `/${collection}/${UNKNOWN}`);
    expect([answer.status, answer.body.NeutronError.type]).toEqual([404, type]);
  });
});

describe('subnets', () => {
  test('get a gateway and a pool from their CIDR', async () => {
    const { subnet } = await landscape('10.93.0.0/24');
    expect(subnet).toMatchObject({
      cidr: '10.93.0.0/24',
      ip_version: 4,
      gateway_ip: '10.93.0.1',
      allocation_pools: [{ start: '10.93.0.2', end: '10.93.0.254' }],
      enable_dhcp: true,
      dns_nameservers: [],
      host_routes: [],
    });
  });

  test('keep what they are given', async () => {
    const { network } = await landscape('10.94.0.0/24');
    const fields = {
      name: 'second',
      gateway_ip: null,
      allocation_pools: [{ start: '10.95.0.10', end: '10.95.0.20' }],
      dns_nameservers: ['9.9.9.9'],
      host_routes: [{ destination: '192.168.7.0/24', nexthop: '10.95.0.2' }],
      enable_dhcp: false,
    };
    const subnet = await make('subnets', {
      network_id: network.id,
      cidr: '10.95.0.0/24',
      ip_version: 4,
      ...fields,
    });
    expect(subnet).toMatchObject(fields);
  });

  test('are refused when they overlap, make no sense, or have no network', async () => {
    const { network } = await landscape('10.96.0.0/24');
    const base = { network_id: network.id, ip_version: 4 };
    expect(await refused('subnets', { ...base, cidr: '10.96.0.0/25' })).toEqual([
      400,
      'InvalidInput',
    ]);
    expect(await refused('subnets', { ...base, cidr: 'junk' })).toEqual([400, 'InvalidInput']);
    const lost = { ...base, network_id: UNKNOWN, cidr: '10.90.0.0/24' };
    expect(await refused('subnets', lost)).toEqual([404, 'NetworkNotFound']);
  });
});

describe('ports', () => {
  test('take the address, MAC and project that an admin chooses', async () => {
    const { network, subnet } = await landscape('10.81.0.0/24');
    const port = await make('ports', {
      network_id: network.id,
      project_id: cloud.member.projectId,
      name: 'reserved',
      mac_address: 'fa:16:3e:81:00:01',
      fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.81.0.50' }],
      allowed_address_pairs: [{ ip_address: '10.81.0.200' }],
    });
    expect(port).toMatchObject({
      name: 'reserved',
      tenant_id: cloud.member.projectId,
      mac_address: 'fa:16:3e:81:00:01',
      fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.81.0.50' }],
      allowed_address_pairs: [{ ip_address: '10.81.0.200', mac_address: 'fa:16:3e:81:00:01' }],
      status: 'DOWN',
      device_id: '',
      device_owner: '',
      'binding:host_id': '',
      'binding:vif_type': 'unbound',
      port_security_enabled: true,
    });
    const [group] = port.security_groups;
    const shown = await admin('GET', `/security-groups/${group}`);
    expect(shown.body.security_group).toMatchObject({
      name: 'default',
      project_id: cloud.member.projectId,
    });
  });

  test('get a free address when none is chosen', async () => {
    const { network, subnet } = await landscape('10.82.0.0/24');
    const port = await make('ports', { network_id: network.id });
    expect(port.fixed_ips).toHaveLength(1);
    expect(port.fixed_ips[0].subnet_id).toBe(subnet.id);
    expect(port.fixed_ips[0].ip_address).toMatch(/^10\.82\.0\./);
    expect(port.mac_address).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/);
  });

  test('are refused with an address or MAC that is taken, wrong, or elsewhere', async () => {
    const { network, subnet } = await landscape('10.83.0.0/24');
    const base = { network_id: network.id };
    await make('ports', {
      ...base,
      mac_address: 'fa:16:3e:83:00:01',
      fixed_ips: [{ ip_address: '10.83.0.50' }],
    });
    const wish = (fixed: object) => refused('ports', { ...base, fixed_ips: [fixed] });
    expect(await wish({ ip_address: '10.83.0.50' })).toEqual([409, 'IpAddressAlreadyAllocated']);
    expect(await wish({ ip_address: '192.168.0.1' })).toEqual([400, 'InvalidIpForNetwork']);
    expect(await wish({ subnet_id: subnet.id, ip_address: '192.168.0.1' })).toEqual([
      400,
      'InvalidIpForSubnet',
    ]);
    expect(await refused('ports', { ...base, mac_address: 'fa:16:3e:83:00:01' })).toEqual([
      409,
      'MacAddressInUse',
    ]);
    expect(await refused('ports', { ...base, mac_address: 'junk' })).toEqual([
      400,
      'HTTPBadRequest',
    ]);
    expect(await refused('ports', { ...base, security_groups: [UNKNOWN] })).toEqual([
      404,
      'SecurityGroupNotFound',
    ]);
    expect(await refused('ports', base, cloud.member)).toEqual([404, 'NetworkNotFound']);
  });

  test('are changed and found by device, name, address and network', async () => {
    const { network } = await landscape('10.84.0.0/24');
    const name = unique('port');
    const port = await make('ports', {
      network_id: network.id,
      fixed_ips: [{ ip_address: '10.84.0.9' }],
    });
    const changed = await admin('PUT', `/ports/${port.id}`, {
      port: { name, device_id: name, device_owner: 'contract:test' },
    });
    expect(changed.status).toBe(200);
    expect(changed.body.port.revision_number).toBeGreaterThan(port.revision_number);
    for (const query of [
      `device_id=${name}`,
      `name=${name}`,
      `network_id=${network.id}&device_owner=contract:test`,
      `network_id=${network.id}&fixed_ips=ip_address%3D10.84.0.9`,
      `mac_address=${port.mac_address}&network_id=${network.id}`,
    ])
      expect((await admin('GET', `/ports?${query}`)).body.ports.map((one: Body) => one.id)).toEqual(
        [port.id],
      );
    const fields = await admin('GET', `/ports?name=${name}&fields=id&fields=name`);
    expect(fields.body.ports).toEqual([{ id: port.id, name }]);
  });

  test('are seen by their project without the binding', async () => {
    const { network } = await landscape('10.85.0.0/24');
    const port = await make('ports', {
      network_id: network.id,
      project_id: cloud.member.projectId,
    });
    const seen = await member('GET', `/ports/${port.id}`);
    expect(seen.status).toBe(200);
    expect(seen.body.port).not.toHaveProperty('binding:host_id');
  });

  test('carry tags', async () => {
    const { network } = await landscape('10.86.0.0/24');
    const port = await make('ports', { network_id: network.id });
    const set = await admin('PUT', `/ports/${port.id}/tags`, { tags: ['a'] });
    expect(set.body.tags).toEqual(['a']);
    expect((await admin('PUT', `/ports/${port.id}/tags/b`)).status).toBe(201);
    const tags = await admin('GET', `/ports/${port.id}/tags`);
    expect(tags.body.tags.sort()).toEqual(['a', 'b']);
    const found = await admin('GET', `/ports?network_id=${network.id}&tags=a,b`);
    expect(found.body.ports).toHaveLength(1);
    const none = await admin('GET', `/ports?network_id=${network.id}&tags=c`);
    expect(none.body.ports).toEqual([]);
  });

  test('page by limit and marker', async () => {
    const { network } = await landscape('10.87.0.0/24');
    for (let count = 0; count < 3; count += 1) await make('ports', { network_id: network.id });
    const first = await admin('GET', `/ports?network_id=${network.id}&limit=2`);
    expect(first.body.ports).toHaveLength(2);
    const [next] = first.body.ports_links;
    expect(next.rel).toBe('next');
    const marker = first.body.ports[1].id;
    expect(next.href).toContain(`marker=${marker}`);
    const second = await admin('GET', `/ports?network_id=${network.id}&limit=2&marker=${marker}`);
    expect(second.body.ports).toHaveLength(1);
    expect((await admin('GET', `/ports?limit=1&marker=${UNKNOWN}`)).status).toBe(404);
  });

  test('are made many at once', async () => {
    const { network } = await landscape('10.88.0.0/24');
    const ports = [1, 2].map((at) => ({ network_id: network.id, name: `bulk-${at}` }));
    const answer = await admin('POST', '/ports', { ports });
    expect(answer.status).toBe(201);
    expect(answer.body.ports).toHaveLength(2);
    for (const one of answer.body.ports) after.add(() => admin('DELETE', `/ports/${one.id}`));
  });
});

describe('routers and floating addresses', () => {
  test('an address is reserved, taken to a port through a router, and given back', async () => {
    const { network, subnet } = await landscape('10.71.0.0/24');
    const router = await make('routers', { name: unique('router') });
    expect(router).toMatchObject({ status: 'ACTIVE', external_gateway_info: null, routes: [] });
    const path = `/routers/${router.id}`;
    const added = await admin('PUT', `${path}/add_router_interface`, { subnet_id: subnet.id });
    expect(added.status).toBe(200);
    expect(added.body).toMatchObject({ id: router.id, subnet_ids: [subnet.id] });
    after.add(() => admin('PUT', `${path}/remove_router_interface`, { subnet_id: subnet.id }));
    const twice = await admin('PUT', `${path}/add_router_interface`, { subnet_id: subnet.id });
    expect(twice.status).toBe(400);
    const inner = await admin('GET', `/ports?device_id=${router.id}`);
    expect(inner.body.ports[0]).toMatchObject({
      device_owner: 'network:router_interface',
      fixed_ips: [{ ip_address: '10.71.0.1', subnet_id: subnet.id }],
    });
    const port = await make('ports', { network_id: network.id });

    const unreachable = await admin('POST', '/floatingips', {
      floatingip: { floating_network_id: external.id, port_id: port.id },
    });
    expect([unreachable.status, unreachable.body.NeutronError.type]).toEqual([
      404,
      'ExternalGatewayForFloatingIPNotFound',
    ]);

    const opened = await admin('PUT', path, {
      router: { external_gateway_info: { network_id: external.id } },
    });
    expect(opened.body.router.external_gateway_info).toMatchObject({
      network_id: external.id,
      enable_snat: true,
    });
    expect(opened.body.router.external_gateway_info.external_fixed_ips).toHaveLength(1);
    const ip = await make('floatingips', { floating_network_id: external.id });
    expect(ip).toMatchObject({
      status: 'DOWN',
      port_id: null,
      router_id: null,
      port_details: null,
    });
    const taken = await admin('PUT', `/floatingips/${ip.id}`, {
      floatingip: { port_id: port.id },
    });
    expect(taken.body.floatingip).toMatchObject({
      port_id: port.id,
      router_id: router.id,
      fixed_ip_address: port.fixed_ips[0].ip_address,
    });
    const shown = await admin('GET', `/floatingips/${ip.id}`);
    expect(shown.body.floatingip).toMatchObject({ status: 'ACTIVE' });
    expect(shown.body.floatingip.port_details).toMatchObject({ network_id: network.id });
    expect(
      await refused('floatingips', { floating_network_id: external.id, port_id: port.id }),
    ).toEqual([409, 'FloatingIPPortAlreadyAssociated']);
    const needed = await admin('PUT', `${path}/remove_router_interface`, { subnet_id: subnet.id });
    expect([needed.status, needed.body.NeutronError.type]).toEqual([
      409,
      'RouterInterfaceInUseByFloatingIP',
    ]);
    const inUse = await admin('DELETE', path);
    expect([inUse.status, inUse.body.NeutronError.type]).toEqual([409, 'RouterInUse']);
    const freed = await admin('PUT', `/floatingips/${ip.id}`, { floatingip: { port_id: null } });
    expect(freed.body.floatingip).toMatchObject({ port_id: null, fixed_ip_address: null });
    const removed = await admin('PUT', `${path}/remove_router_interface`, {
      subnet_id: subnet.id,
    });
    expect(removed.status).toBe(200);
    const again = await admin('PUT', `${path}/remove_router_interface`, { subnet_id: subnet.id });
    expect([again.status, again.body.NeutronError.type]).toEqual([
      404,
      'RouterInterfaceNotFoundForSubnet',
    ]);
  });

  test('an admin chooses the address for a project; nobody gets it twice', async () => {
    const probe = await make('floatingips', { floating_network_id: external.id });
    const address = probe.floating_ip_address;
    await admin('DELETE', `/floatingips/${probe.id}`);
    const ip = await make('floatingips', {
      floating_network_id: external.id,
      floating_ip_address: address,
      project_id: cloud.member.projectId,
    });
    expect(ip).toMatchObject({ floating_ip_address: address, tenant_id: cloud.member.projectId });
    const wish = { floating_network_id: external.id, floating_ip_address: address };
    expect(await refused('floatingips', wish)).toEqual([409, 'IpAddressAlreadyAllocated']);
    expect(await refused('floatingips', wish, cloud.member)).toEqual([403, 'PolicyNotAuthorized']);
    const outside = { ...wish, floating_ip_address: '192.0.2.1' };
    expect(await refused('floatingips', outside)).toEqual([400, 'InvalidIpForNetwork']);
    const found = await admin('GET', `/floatingips?floating_ip_address=${address}`);
    expect(found.body.floatingips.map((one: Body) => one.id)).toEqual([ip.id]);
  });

  test('an address comes from an external network only', async () => {
    const { network } = await landscape('10.72.0.0/24');
    expect(await refused('floatingips', { floating_network_id: network.id })).toEqual([
      400,
      'BadRequest',
    ]);
  });
});

describe('security groups', () => {
  test('every project has its default group, open outwards and to itself', async () => {
    const { body } = await member('GET', '/security-groups');
    const group = body.security_groups.find((one: Body) => one.name === 'default');
    const rules = group.security_group_rules.map((rule: Body) => [
      rule.direction,
      rule.ethertype,
      rule.remote_group_id,
    ]);
    expect(rules.sort()).toEqual(
      [
        ['egress', 'IPv4', null],
        ['egress', 'IPv6', null],
        ['ingress', 'IPv4', group.id],
        ['ingress', 'IPv6', group.id],
      ].sort(),
    );
    expect(await refused('security-groups', { name: 'default' }, cloud.member)).toEqual([
      409,
      'SecurityGroupDefaultAlreadyExists',
    ]);
    expect((await member('DELETE', `/security-groups/${group.id}`)).status).toBe(409);
  });

  test('a new group lets everything out', async () => {
    const group = await make('security-groups', { name: unique('group'), description: 'd' });
    expect(group).toMatchObject({ description: 'd', stateful: true });
    expect(
      group.security_group_rules.map((rule: Body) => [rule.direction, rule.ethertype]).sort(),
    ).toEqual([
      ['egress', 'IPv4'],
      ['egress', 'IPv6'],
    ]);
  });

  test('rules are made, found, and refused when they exist or make no sense', async () => {
    const group = await make('security-groups', { name: unique('group') });
    const rule = {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
      remote_ip_prefix: '10.0.0.0/8',
    };
    const made = await make('security-group-rules', rule);
    expect(made).toMatchObject({ ...rule, ethertype: 'IPv4', normalized_cidr: '10.0.0.0/8' });
    const wrong = (change: object) => refused('security-group-rules', { ...rule, ...change });
    expect(await wrong({})).toEqual([409, 'SecurityGroupRuleExists']);
    expect(await wrong({ port_range_min: 30 })).toEqual([400, 'SecurityGroupInvalidPortRange']);
    expect(await wrong({ direction: 'up' })).toEqual([400, 'HTTPBadRequest']);
    expect(await wrong({ remote_group_id: group.id })).toEqual([
      400,
      'SecurityGroupMultipleRemoteEntites',
    ]);
    expect(await wrong({ security_group_id: UNKNOWN })).toEqual([404, 'SecurityGroupNotFound']);
    const found = await admin('GET', `/security-group-rules?security_group_id=${group.id}`);
    expect(found.body.security_group_rules).toHaveLength(3);
    const shown = await admin('GET', `/security-groups/${group.id}`);
    expect(shown.body.security_group.security_group_rules).toHaveLength(3);
  });

  test('a group in use is not deleted', async () => {
    const { network } = await landscape('10.61.0.0/24');
    const group = await make('security-groups', { name: unique('group') });
    const port = await make('ports', { network_id: network.id, security_groups: [group.id] });
    const answer = await admin('DELETE', `/security-groups/${group.id}`);
    expect([answer.status, answer.body.NeutronError.type]).toEqual([409, 'SecurityGroupInUse']);
    await admin('DELETE', `/ports/${port.id}`);
    expect((await admin('DELETE', `/security-groups/${group.id}`)).status).toBe(204);
  });
});

describe('quotas', () => {
  test('what is one too many is refused with 409 OverQuota', async () => {
    const path = `/quotas/${cloud.member.projectId}`;
    const set = await admin('PUT', path, { quota: { network: 0 } });
    expect(set.body.quota.network).toBe(0);
    expect(await refused('networks', { name: unique('net') }, cloud.member)).toEqual([
      409,
      'OverQuota',
    ]);
    const details = await admin('GET', `${path}/details.json`);
    expect(details.body.quota.network).toMatchObject({ limit: 0, reserved: 0 });
    expect((await member('PUT', path, { quota: { network: 5 } })).status).toBe(403);
    expect((await admin('DELETE', path)).status).toBe(204);
    expect((await admin('GET', path)).body.quota.network).toBeGreaterThan(0);
  });
});

describe('what is not there', () => {
  test('extensions are listed, agents are listed, unknown paths are 404', async () => {
    const extensions = await admin('GET', '/extensions');
    const aliases = extensions.body.extensions.map((one: Body) => one.alias);
    for (const alias of ['router', 'security-group', 'quotas', 'standard-attr-tag'])
      expect(aliases).toContain(alias);
    expect((await admin('GET', '/agents')).body.agents).toEqual(expect.any(Array));
    const trunks = await admin('GET', '/trunks');
    expect([trunks.status, trunks.body.NeutronError.type]).toEqual([404, 'HTTPNotFound']);
  });
});
