import { describe, expect, it } from 'vitest';
import { type FloatingIp, floatingIp } from '../../../../lib/resources/floating-ip.ts';
import { type Network, network } from '../../../../lib/resources/network.ts';
import { type Port, port } from '../../../../lib/resources/port.ts';
import type { Discovery, ResourceType } from '../../../../lib/resources/resource-type.ts';
import { type Router, router } from '../../../../lib/resources/router.ts';
import { routerInterface } from '../../../../lib/resources/router-interface.ts';
import { type SecurityGroup, securityGroup } from '../../../../lib/resources/security-group.ts';
import { securityGroupRules } from '../../../../lib/resources/security-group-rules.ts';

type Found = [ResourceType<never>, unknown[]][];

const discoveryOf = (...found: Found): Discovery =>
  ({
    tenantId: 'acme',
    found: (type: { type: string }) => found.find(([one]) => one.type === type.type)?.[1] ?? [],
  }) as unknown as Discovery;

const having = <T>(type: ResourceType<T>, ...bodies: T[]): Found[number] => [
  type as unknown as ResourceType<never>,
  bodies,
];

const obstaclesOf = <T>(type: ResourceType<T>, body: T, ...found: Found) =>
  type.obstacles?.(body, discoveryOf(...found)) ?? [];

const aNetwork = (more: Partial<Network> = {}) =>
  ({
    ...{ id: 'n1', name: 'front', project_id: 'acme', shared: false, 'router:external': false },
    ...more,
  }) as Network;

const aGroup = (more: Partial<SecurityGroup> = {}): SecurityGroup => ({
  ...{ id: 'g1', name: 'web', project_id: 'acme', description: '', security_group_rules: [] },
  ...more,
});

const aRule = (more: object) => ({
  ...{ id: 'r1', direction: 'ingress' as const, ethertype: 'IPv4' as const, protocol: null },
  ...{ port_range_min: null, port_range_max: null, remote_ip_prefix: null, description: null },
  ...{ remote_group_id: null, ...more },
});

const aPort = (more: Partial<Port> = {}) =>
  ({
    ...{ id: 'p1', name: '', project_id: 'acme', network_id: 'n1', device_id: '' },
    ...{ device_owner: '', fixed_ips: [], security_groups: [], ...more },
  }) as unknown as Port;

const aRouter = (more: Partial<Router> = {}) =>
  ({
    ...{ id: 'o1', name: 'out', project_id: 'acme', external_gateway_info: null, routes: [] },
    ...more,
  }) as unknown as Router;

describe('a network', () => {
  it('of the tenant alone, with a name of its own, is in nobody’s way', () => {
    expect(obstaclesOf(network, aNetwork(), having(network, aNetwork()))).toEqual([]);
  });

  it('is refused when another of the tenant has its name, or it has none', () => {
    const twin = aNetwork({ id: 'n2' });
    expect(obstaclesOf(network, aNetwork(), having(network, aNetwork(), twin))).toEqual([
      expect.stringContaining('ambiguous'),
    ]);
    expect(obstaclesOf(network, aNetwork({ name: '' }))).toEqual([
      expect.stringContaining('no name'),
    ]);
  });

  it('of somebody else may have the name of one of the tenant', () => {
    const foreign = aNetwork({ id: 'n2', project_id: 'admin' });
    expect(obstaclesOf(network, aNetwork(), having(network, foreign))).toEqual([]);
    expect(obstaclesOf(network, foreign, having(network, aNetwork()))).toEqual([]);
  });

  it('that is shared, external or has a QoS policy is refused', () => {
    expect(obstaclesOf(network, aNetwork({ shares: 1 }))).toHaveLength(1);
    expect(obstaclesOf(network, aNetwork({ shared: true }))).toHaveLength(1);
    expect(obstaclesOf(network, aNetwork({ 'router:external': true }))).toHaveLength(1);
    expect(obstaclesOf(network, aNetwork({ qos_policy_id: 'q' }))).toHaveLength(1);
  });

  it('says that its segment stays behind, and one of somebody else says nothing', () => {
    expect(network.losses?.(aNetwork({ shares: 0, mtu: 1450 }))).toEqual([
      expect.stringContaining('1450'),
    ]);
    expect(network.losses?.(aNetwork({ project_id: 'admin' }))).toEqual([]);
  });
});

describe('a security group', () => {
  it('is refused when another of the tenant has its name', () => {
    const twin = aGroup({ id: 'g2' });
    expect(obstaclesOf(securityGroup, aGroup(), having(securityGroup, twin))).toHaveLength(1);
  });

  it('whose rules name an address group, or a group of another tenant, is refused', () => {
    const rules = [
      aRule({ remote_address_group_id: 'a1' }),
      aRule({ id: 'r2', remote_group_id: 'stranger' }),
      aRule({ id: 'r3', remote_group_id: 'g1' }),
    ];
    const group = aGroup({ security_group_rules: rules });
    expect(obstaclesOf(securityGroupRules, group, having(securityGroup, group))).toEqual([
      expect.stringContaining('r1'),
      expect.stringContaining('r2'),
    ]);
  });
});

describe('a port', () => {
  it('of a server, with groups of the tenant, is in nobody’s way', () => {
    const ours = aPort({ device_owner: 'compute:nova', device_id: 's1', security_groups: ['g1'] });
    expect(obstaclesOf(port, ours, having(securityGroup, aGroup()))).toEqual([]);
  });

  it('of a trunk, a sub-port, or one that another service uses is refused', () => {
    expect(obstaclesOf(port, aPort({ trunk_details: {} }))).toHaveLength(1);
    expect(obstaclesOf(port, aPort({ device_owner: 'trunk:subport' }))).toHaveLength(1);
    expect(obstaclesOf(port, aPort({ device_owner: 'Octavia' }))).toEqual(['Octavia uses it']);
  });

  it('with a QoS policy, a device profile or a stranger’s group is refused', () => {
    expect(obstaclesOf(port, aPort({ qos_policy_id: 'q' }))).toHaveLength(1);
    expect(obstaclesOf(port, aPort({ device_profile: 'gpu' }))).toHaveLength(1);
    expect(obstaclesOf(port, aPort({ security_groups: ['x'] }))).toHaveLength(1);
  });
});

describe('a router', () => {
  it('with a QoS policy on its gateway is refused', () => {
    const info = { network_id: 'n1', qos_policy_id: 'q' };
    expect(obstaclesOf(router, aRouter({ external_gateway_info: info }))).toHaveLength(1);
  });

  it('says that its outgoing address changes, and what the destination decides', () => {
    const info = { network_id: 'n1' };
    expect(router.losses?.(aRouter({ external_gateway_info: info, ha: true }))).toHaveLength(2);
    expect(router.losses?.(aRouter())).toEqual([]);
  });

  it('of another tenant in a network of this one is refused', () => {
    const foreign = aPort({ device_owner: 'network:router_interface', device_id: 'o2' });
    expect(obstaclesOf(routerInterface, foreign, having(router, aRouter()))).toHaveLength(1);
    const ours = aPort({ device_owner: 'network:router_interface', device_id: 'o1' });
    expect(obstaclesOf(routerInterface, ours, having(router, aRouter()))).toEqual([]);
  });
});

describe('a floating IP', () => {
  it('with port forwardings or a QoS policy is refused', () => {
    const anIp = (more: Partial<FloatingIp>) => more as FloatingIp;
    expect(obstaclesOf(floatingIp, anIp({ port_forwardings: [{}] }))).toHaveLength(1);
    expect(obstaclesOf(floatingIp, anIp({ qos_policy_id: 'q' }))).toHaveLength(1);
    expect(obstaclesOf(floatingIp, anIp({ port_forwardings: [] }))).toEqual([]);
  });
});
