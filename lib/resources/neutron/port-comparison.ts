/** In what two ports differ, where one names networks and groups in the ids of another cloud. */
import type { Port } from '../port.ts';
import { differing, type Site } from '../resource-type.ts';
import { differingLists } from './collection.ts';

/** What a port carries over unchanged. */
export const SAME = ['name', 'description', 'admin_state_up', 'port_security_enabled'] as const;

/** Pairs without a MAC are of the port's own; Neutron fills it in. */
export const pairsOf = ({ allowed_address_pairs = [], mac_address }: Port) =>
  allowed_address_pairs.map((pair) => ({
    ip_address: pair.ip_address,
    mac_address: (pair.mac_address ?? mac_address).toLowerCase(),
  }));

type Counterpart = (type: 'subnet' | 'secgroup', id: string) => string | undefined;

const listsOf = (body: Port, counterpart: Counterpart) => ({
  allowed_address_pairs: pairsOf(body),
  extra_dhcp_opts: (body.extra_dhcp_opts ?? []).map((one) => Object.entries(one).sort()),
  tags: body.tags,
  fixed_ips: body.fixed_ips.map(({ subnet_id, ip_address }) => [
    counterpart('subnet', subnet_id),
    ip_address,
  ]),
  security_groups: body.security_groups.map((id) => counterpart('secgroup', id)),
});

const LISTS = [
  'allowed_address_pairs',
  'extra_dhcp_opts',
  'tags',
  'fixed_ips',
  'security_groups',
] as const;

export const portDifferences = (mine: Port, theirs: Port, { ids, tenantId }: Site): string[] => [
  ...differing(mine, theirs, [...SAME, 'binding:vnic_type']),
  ...(theirs.project_id === ids.maybe('tenant', tenantId) ? [] : ['project_id']),
  ...differingLists(
    listsOf(mine, ids.maybe),
    listsOf(theirs, (_type, id) => id),
    LISTS,
  ),
];
