import { describe, expect, it } from 'vitest';
import { idsOf } from '../../../../lib/migration/ids.ts';
import {
  canonicalPrefix,
  contains,
  ipv4Of,
  numberOf,
} from '../../../../lib/resources/neutron/address.ts';
import type { Site } from '../../../../lib/resources/resource-type.ts';
import type { SecurityGroup, SecurityGroupRule } from '../../../../lib/resources/security-group.ts';
import { securityGroupRules } from '../../../../lib/resources/security-group-rules.ts';

const aRule = (more: Partial<SecurityGroupRule> = {}): SecurityGroupRule => ({
  ...{ id: 'r', direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp' },
  ...{ port_range_min: 22, port_range_max: 22, remote_ip_prefix: null, remote_group_id: null },
  ...{ description: '', ...more },
});

const groupOf = (...rules: SecurityGroupRule[]) =>
  ({ security_group_rules: rules }) as SecurityGroup;

const ids = idsOf();
ids.set('secgroup', 'here', 'there');
const site = { ids } as unknown as Site;
const differ = (mine: SecurityGroupRule, theirs: SecurityGroupRule) =>
  securityGroupRules.differences(groupOf(mine), groupOf(theirs), site).length > 0;

describe('two rules', () => {
  const same: [string, Partial<SecurityGroupRule>, Partial<SecurityGroupRule>][] = [
    [
      'a prefix with and without host bits',
      { remote_ip_prefix: '10.1.2.3/16' },
      { remote_ip_prefix: '10.1.0.0/16' },
    ],
    [
      'a host with and without its mask',
      { remote_ip_prefix: '10.1.2.3' },
      { remote_ip_prefix: '10.1.2.3/32' },
    ],
    [
      'the normalised and the given prefix',
      { remote_ip_prefix: '10.1.2.3/16', normalized_cidr: '10.1.0.0/16' },
      { remote_ip_prefix: '10.1.0.0/16' },
    ],
    [
      'two ways of writing an IPv6 prefix',
      { remote_ip_prefix: '2001:DB8:0::/32' },
      { remote_ip_prefix: '2001:db8::/32' },
    ],
    ['every address and no prefix', { remote_ip_prefix: '0.0.0.0/0' }, {}],
    ['a protocol by number and by name', { protocol: '6' }, { protocol: 'tcp' }],
    ['both names of ICMPv6', { protocol: 'icmpv6' }, { protocol: 'ipv6-icmp' }],
    ['any protocol and none', { protocol: 'any' }, { protocol: null }],
    ['no description and an empty one', { description: null }, { description: '' }],
    [
      'a remote group and its counterpart',
      { remote_group_id: 'here' },
      { remote_group_id: 'there' },
    ],
  ];
  for (const [what, mine, theirs] of same) {
    it(`are the same but for ${what}`, () => {
      expect(differ(aRule(mine), aRule(theirs))).toBe(false);
    });
  }

  const different: [string, Partial<SecurityGroupRule>][] = [
    ['direction', { direction: 'egress' }],
    ['ether type', { ethertype: 'IPv6' }],
    ['protocol', { protocol: 'udp' }],
    ['no ports', { port_range_min: null, port_range_max: null }],
    ['prefix', { remote_ip_prefix: '10.0.0.0/8' }],
    ['group', { remote_group_id: 'there' }],
    ['description', { description: 'ours' }],
  ];
  for (const [what, theirs] of different) {
    it(`are different by ${what}`, () => {
      expect(differ(aRule(), aRule(theirs))).toBe(true);
    });
  }

  it('are told apart when one cloud has one more', () => {
    const [one, more] = [groupOf(aRule()), groupOf(aRule(), aRule({ protocol: 'udp' }))];
    expect(securityGroupRules.differences(one, more, site)).toEqual(['rules']);
    expect(securityGroupRules.differences(more, one, site)).toEqual(['rules']);
  });
});

describe('an address', () => {
  it('is a number and back', () => {
    expect(ipv4Of(numberOf('203.0.113.255') + 1n)).toBe('203.0.114.0');
    expect(numberOf('::1')).toBe(1n);
    expect(numberOf('1::')).toBe(1n << 112n);
    expect(numberOf('::ffff:192.0.2.1')).toBe(numberOf('::ffff:c000:201'));
  });

  it('lies in a prefix of its own version or not at all', () => {
    expect(contains('203.0.113.0/24', '203.0.113.7')).toBe(true);
    expect(contains('203.0.113.0/24', '203.0.114.7')).toBe(false);
    expect(contains('2001:db8::/32', '2001:db8:9::1')).toBe(true);
    expect(contains('2001:db8::/32', '203.0.113.7')).toBe(false);
    expect(contains('0.0.0.0/0', '203.0.113.7')).toBe(true);
    expect(canonicalPrefix(null)).toBeUndefined();
  });
});
