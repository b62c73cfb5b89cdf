/** Security groups and their rules. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Item } from '../model.ts';
import { omit, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import type { Call } from '../router.ts';
import { blockOf } from './addresses.ts';
import type { Kind } from './collection.ts';

function newRule(cloud: SimulatedCloud, group: Item, fields: Fields): Item {
  const now = cloud.stamp();
  return cloud.table('security-group-rule').put({
    id: cloud.newId(),
    tenant_id: group.project_id,
    security_group_id: group.id,
    ethertype: 'IPv4',
    direction: 'egress',
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_address_group_id: null,
    normalized_cidr: null,
    remote_group_id: null,
    standard_attr_id: 100 + cloud.next('standard-attribute'),
    description: null,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 0,
    project_id: group.project_id,
    ...fields,
  });
}

function openOutwards(cloud: SimulatedCloud, group: Item): void {
  for (const ethertype of ['IPv4', 'IPv6']) newRule(cloud, group, { ethertype });
}

/** The group that every project has from the first time it is asked for. */
export function defaultGroup(cloud: SimulatedCloud, projectId: string): Item {
  const groups = cloud.table('security-group');
  const known = groups.find((one) => one.project_id === projectId && one.name === 'default');
  if (known) return known;
  const now = cloud.stamp();
  const group = groups.put({
    id: cloud.newId(),
    name: 'default',
    stateful: true,
    tenant_id: projectId,
    description: 'Default security group',
    shared: false,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 1,
    project_id: projectId,
  });
  openOutwards(cloud, group);
  for (const ethertype of ['IPv4', 'IPv6'])
    newRule(cloud, group, { ethertype, direction: 'ingress', remote_group_id: group.id });
  return group;
}

const rulesOf = (cloud: SimulatedCloud, groupId: string) =>
  cloud.table('security-group-rule').where((rule) => rule.security_group_id === groupId);

const missingGroup = (id: string) => ({
  type: 'SecurityGroupNotFound',
  message: `Security group ${id} does not exist`,
});

export const SECURITY_GROUPS: Kind<Item> = {
  collection: 'security_groups',
  member: 'security_group',
  missing: missingGroup,
  table: (call) => {
    const asked = call.query.get('project_id') ?? call.query.get('tenant_id');
    const project = asked || call.who.projectId;
    if (project) defaultGroup(call.cloud, project);
    return call.cloud.table('security-group');
  },
  defaults: { name: '', description: '', stateful: true },
  make: (call, group) => {
    if (group.name === 'default')
      throw conflict('Default security group already exists.', 'SecurityGroupDefaultAlreadyExists');
    defaultGroup(call.cloud, textOf(group.project_id));
    openOutwards(call.cloud, group);
    return { ...group, shared: false };
  },
  change: (_, group, input, before) => {
    if (before.name === 'default' && input.name !== undefined && input.name !== 'default')
      throw conflict(
        'Updating default security group not allowed.',
        'SecurityGroupCannotUpdateDefault',
      );
    return group;
  },
  remove: (call, group) => {
    if (call.cloud.ports.find((port) => port.security_groups.includes(group.id)))
      throw conflict(`Security Group ${group.id} in use.`, 'SecurityGroupInUse');
    if (group.name === 'default' && !call.who.admin)
      throw conflict(
        'Insufficient rights for removing default security group.',
        'SecurityGroupCannotRemoveDefault',
      );
    for (const rule of rulesOf(call.cloud, group.id))
      call.cloud.table('security-group-rule').drop(rule.id);
  },
  view: (call, group) => ({ ...group, security_group_rules: rulesOf(call.cloud, group.id) }),
};

const PROTOCOLS = ['tcp', 'udp', '6', '17', 'sctp', 'udplite', 'dccp'];
const IDENTITY = [
  ...['direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max'],
  ...['remote_ip_prefix', 'remote_group_id', 'remote_address_group_id'],
];

function checkRule(rule: Item): void {
  for (const [name, values] of [
    ['direction', ['ingress', 'egress']],
    ['ethertype', ['IPv4', 'IPv6']],
  ] as const)
    if (!values.includes(rule[name] as never))
      throw badRequest(
        `Invalid input for ${name}. Reason: ${textOf(rule[name])} is not in valid_values.`,
      );
  const remotes = ['remote_ip_prefix', 'remote_group_id', 'remote_address_group_id'];
  if (remotes.filter((name) => rule[name]).length > 1)
    throw badRequest(
      'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
      'SecurityGroupMultipleRemoteEntites',
    );
  const [min, max] = [rule.port_range_min, rule.port_range_max];
  if (PROTOCOLS.includes(textOf(rule.protocol)) && Number(min ?? 0) > Number(max ?? 65535))
    throw badRequest(
      'For TCP/UDP protocols, port_range_min must be <= port_range_max',
      'SecurityGroupInvalidPortRange',
    );
}

function makeRule(call: Call, rule: Item): Item {
  const id = textOf(rule.security_group_id);
  const group = call.cloud.table('security-group').get(id);
  const missing = missingGroup(id);
  if (!group || (!call.who.admin && group.project_id !== call.who.projectId))
    throw notFound(missing.message, missing.type);
  checkRule(rule);
  const same = rulesOf(call.cloud, id).find((one) =>
    IDENTITY.every((name) => (one[name] ?? null) === (rule[name] ?? null)),
  );
  if (same)
    throw conflict(
      `Security group rule already exists. Rule id is ${same.id}.`,
      'SecurityGroupRuleExists',
    );
  const prefix = textOf(rule.remote_ip_prefix);
  const normalized = prefix ? (blockOf(prefix)?.cidr ?? null) : null;
  if (prefix && !normalized && !prefix.includes('/'))
    throw badRequest(`Invalid input for remote_ip_prefix. Reason: '${prefix}' is not valid.`);
  return newRule(call.cloud, group, {
    ...rule,
    tenant_id: group.project_id,
    project_id: group.project_id,
    normalized_cidr: normalized,
    revision_number: 0,
  });
}

export const SECURITY_GROUP_RULES: Kind<Item> = {
  collection: 'security_group_rules',
  member: 'security_group_rule',
  missing: (id) => ({
    type: 'SecurityGroupRuleNotFound',
    message: `Security group rule ${id} does not exist`,
  }),
  table: (call) => call.cloud.table('security-group-rule'),
  defaults: {
    ethertype: 'IPv4',
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_group_id: null,
    remote_address_group_id: null,
    description: '',
  },
  fixed: ['security_group_id', 'direction'],
  required: ['security_group_id', 'direction'],
  make: makeRule,
  view: (_, rule) => omit(rule, ['standard_attr_id', 'tags']),
};
