/** What stands in both simulated clouds, told without ids, so that two runs can be compared. */
import { openCloud } from '../../lib/openstack/cloud.ts';
import { loadCloud } from '../../lib/openstack/clouds-yaml.ts';
import type { Cloud, Query, ServiceName } from '../../lib/ports.ts';

type Body = Record<string, unknown>;

interface Listing {
  service: ServiceName;
  path: string;
  key: string;
  query?: Query;
  fields: readonly string[];
}

const LISTINGS: readonly Listing[] = [
  { service: 'identity', path: '/projects', key: 'projects', fields: ['name', 'description'] },
  { service: 'identity', path: '/domains', key: 'domains', fields: ['name'] },
  { service: 'identity', path: '/users', key: 'users', fields: ['name', 'email'] },
  { service: 'identity', path: '/groups', key: 'groups', fields: ['name'] },
  { service: 'identity', path: '/roles', key: 'roles', fields: ['name'] },
  { service: 'identity', path: '/role_assignments', key: 'role_assignments', fields: [] },
  {
    ...{ service: 'compute', path: '/flavors/detail', key: 'flavors' },
    ...{ query: { is_public: 'None' }, fields: ['name', 'ram', 'vcpus', 'disk'] },
  },
  {
    ...{ service: 'compute', path: '/servers/detail', key: 'servers' },
    ...{ query: { all_tenants: true }, fields: ['name', 'status', 'key_name'] },
  },
  { service: 'compute', path: '/os-keypairs', key: 'keypairs', fields: [] },
  {
    ...{ service: 'compute', path: '/os-migrations', key: 'migrations' },
    fields: ['migration_type', 'status'],
  },
  {
    ...{ service: 'compute', path: '/os-services', key: 'services' },
    fields: ['host', 'status', 'state', 'disabled_reason'],
  },
  { service: 'compute', path: '/os-aggregates', key: 'aggregates', fields: ['name', 'hosts'] },
  {
    ...{ service: 'placement', path: '/resource_providers', key: 'resource_providers' },
    fields: ['name'],
  },
  {
    ...{ service: 'baremetal', path: '/v1/nodes', key: 'nodes' },
    fields: ['name', 'provision_state', 'power_state'],
  },
  { service: 'network', path: '/v2.0/agents', key: 'agents', fields: ['host', 'alive'] },
  { service: 'image', path: '/v2/images', key: 'images', fields: ['name', 'status', 'size'] },
  { service: 'network', path: '/v2.0/networks', key: 'networks', fields: ['name'] },
  { service: 'network', path: '/v2.0/subnets', key: 'subnets', fields: ['name', 'enable_dhcp'] },
  { service: 'network', path: '/v2.0/routers', key: 'routers', fields: ['name'] },
  {
    ...{ service: 'network', path: '/v2.0/ports', key: 'ports' },
    fields: ['name', 'mac_address', 'device_owner', 'status'],
  },
  {
    ...{ service: 'network', path: '/v2.0/floatingips', key: 'floatingips' },
    fields: ['floating_ip_address', 'fixed_ip_address', 'status'],
  },
  {
    ...{ service: 'network', path: '/v2.0/security-groups', key: 'security_groups' },
    fields: ['name', 'description'],
  },
  {
    ...{ service: 'network', path: '/v2.0/security-group-rules', key: 'security_group_rules' },
    fields: ['direction', 'protocol', 'port_range_min', 'port_range_max', 'remote_ip_prefix'],
  },
];

/** Addresses of gateways and MACs of router ports are the cloud's own choice, run by run. */
const told = (body: Body, fields: readonly string[]) =>
  String(body.device_owner ?? '').startsWith('network:')
    ? String(body.device_owner)
    : fields.map((field) => String(body[field])).join(' ');

const describe = async (cloud: Cloud): Promise<string[]> => {
  const lines: string[] = [];
  for (const { service, path, key, query = {}, fields } of LISTINGS) {
    if (!(await cloud.offers(service))) continue;
    for await (const body of cloud.list<Body>(service, path, key, { query })) {
      lines.push(`${cloud.name} ${key} ${told(body, fields)}`);
    }
  }
  return lines;
};

/** A line for each object of both clouds, sorted. Ids within names are blanked. */
export const cloudsAsTheyAre = async (cloudsYaml: string): Promise<string[]> => {
  const names = ['source', 'destination'] as const;
  const clouds = names.map((name) => openCloud(loadCloud(cloudsYaml, name), name));
  const lines = (await Promise.all(clouds.map(describe))).flat();
  return lines.map((line) => line.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')).sort();
};
