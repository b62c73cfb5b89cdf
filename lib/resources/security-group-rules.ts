import { isError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { canonicalPrefix } from './neutron/address.ts';
import { collection } from './neutron/collection.ts';
import type { ResourceType, Site } from './resource-type.ts';
import {
  type SecurityGroup,
  type SecurityGroupRule,
  securityGroup,
  securityGroups,
} from './security-group.ts';

const rules = collection<SecurityGroupRule>('security_group_rule', 'security_group_rules');

/** Neutron takes a protocol by name or number. IANA's numbers; names as neutron_lib/constants.py has them. */
const PROTOCOLS: Record<string, string> = {
  ...{ 1: 'icmp', 2: 'igmp', 6: 'tcp', 17: 'udp', 47: 'gre', 50: 'esp', 51: 'ah', 58: 'ipv6-icmp' },
  ...{ 89: 'ospf', 112: 'vrrp', 132: 'sctp', icmpv6: 'ipv6-icmp' },
};

const protocolOf = ({ protocol }: SecurityGroupRule) => {
  if (protocol === null || protocol === 'any') return null;
  return PROTOCOLS[protocol] ?? protocol;
};

/**
 * What a rule says, as text that is equal for rules that say the same. `theirs` names remote groups
 * as the other cloud does. Neutron, too, takes "every address" and "no prefix" for one rule.
 */
const meaningOf = (rule: SecurityGroupRule, theirs: (id: string) => string | undefined): string =>
  JSON.stringify([
    ...[rule.direction, rule.ethertype, protocolOf(rule)],
    ...[rule.port_range_min ?? null, rule.port_range_max ?? null],
    canonicalPrefix(rule.normalized_cidr ?? rule.remote_ip_prefix) ?? null,
    rule.remote_group_id ? (theirs(rule.remote_group_id) ?? rule.remote_group_id) : null,
    rule.description ?? '',
  ]);

const compare = ({ ids }: Site, mine: SecurityGroup, theirs: SecurityGroup) => {
  const wanted = new Map(
    mine.security_group_rules.map((rule) => [
      meaningOf(rule, (id) => ids.maybe('secgroup', id)),
      rule,
    ]),
  );
  const there = new Map(
    theirs.security_group_rules.map((rule) => [meaningOf(rule, (id) => id), rule]),
  );
  return {
    missing: [...wanted].filter(([meaning]) => !there.has(meaning)).map(([, rule]) => rule),
    extra: theirs.security_group_rules.filter((rule) => !wanted.has(meaningOf(rule, (id) => id))),
  };
};

/** Adds a rule to its group; one that is there already is a success. */
export const addRule = async (destination: Cloud, body: object): Promise<void> => {
  try {
    await rules.create(destination, body);
  } catch (error) {
    if (!isError(error, 'ResourceConflict')) throw error;
  }
};

const SAYS = ['direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max'] as const;

const settle = async (site: Site, body: SecurityGroup, id: string) => {
  const { destination, ids, tenantId } = site;
  const { missing, extra } = compare(site, body, await securityGroups.get(destination, id));
  for (const rule of extra) {
    await destination.delete('network', `/v2.0/security-group-rules/${rule.id}`);
  }
  for (const rule of missing) {
    const { remote_group_id, remote_ip_prefix, description } = rule;
    await addRule(destination, {
      ...Object.fromEntries(SAYS.map((field) => [field, rule[field]])),
      ...{
        security_group_id: id,
        project_id: ids.of('tenant', tenantId),
        description: description ?? '',
      },
      ...(remote_group_id
        ? { remote_group_id: ids.of('secgroup', remote_group_id) }
        : { remote_ip_prefix }),
    });
  }
};

/**
 * The rules of one group, brought to be exactly the source's. What Neutron puts into a new group by
 * itself goes first, so that no group is ever wider than it was.
 *
 * @see https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules
 */
export const securityGroupRules: ResourceType<SecurityGroup> = {
  type: 'secgroup_rules',
  scope: 'tenant',
  shared: () => true,
  partOf: ({ id }) => ({ type: 'secgroup', id }),
  created: 'secgroup rules set',
  id: ({ id }) => id,
  label: ({ name }) => `rules of ${name}`,

  discover: async ({ found }) => found(securityGroup),
  get: (source, id) => securityGroups.get(source, id),

  needs: ({ id, security_group_rules }) =>
    [id, ...security_group_rules.flatMap(({ remote_group_id }) => remote_group_id ?? [])].map(
      (group) => ({ type: 'secgroup', id: group }),
    ),

  async find({ destination, ids }, body) {
    const id = ids.maybe('secgroup', body.id);
    return id ? [{ id, body: await securityGroups.get(destination, id) }] : [];
  },

  differences(mine, theirs, site) {
    const { missing, extra } = compare(site, mine, theirs);
    return missing.length + extra.length > 0 ? ['rules'] : [];
  },

  async create(site, body) {
    const id = site.ids.of('secgroup', body.id);
    await settle(site, body, id);
    return id;
  },

  settle,
  event: ({ name, security_group_rules }) => ({ name, rules: security_group_rules.length }),

  obstacles(body, { found }) {
    const own = new Set(found(securityGroup).map(({ id }) => id));
    return body.security_group_rules.flatMap(({ id, remote_address_group_id, remote_group_id }) => [
      ...(remote_address_group_id ? [`rule ${id} names an address group`] : []),
      ...(remote_group_id && !own.has(remote_group_id)
        ? [`rule ${id} names security group ${remote_group_id} of another tenant`]
        : []),
    ]);
  },
};
