/** Who calls, and what that lets them do. Roles are read anew for each call, as Keystone's Fernet tokens do. */
import { createHash } from 'node:crypto';
import type { SimulatedCloud } from './cloud.ts';
import type { Item } from './model.ts';
import { textOf } from './reading.ts';
import { forbidden, unauthorized } from './refusal.ts';
import type { Call } from './router.ts';

export interface Caller {
  userId: string;
  userName: string;
  projectId: string;
  domainId: string;
  roles: string[];
  admin: boolean;
  token?: Item;
}

/** Tokens are kept by their hash: the data folder holds none that could be used. */
export const tokenKey = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Ids of the roles that a user has on a project or domain, by assignment or by group. */
export function roleIdsOf(cloud: SimulatedCloud, userId: string, target: string): string[] {
  const groups = cloud
    .table('membership')
    .where((one) => one.user_id === userId)
    .map((one) => one.group_id);
  const mine = cloud.assignments.where(
    (one) => one.target === target && (one.actor === userId || groups.includes(one.actor)),
  );
  return implied(cloud, [...new Set(mine.map((one) => one.role))]);
}

const IMPLIES: Record<string, string> = { admin: 'member', member: 'reader' };

/** Keystone's bootstrap lets admin imply member, and member imply reader. */
function implied(cloud: SimulatedCloud, ids: string[]): string[] {
  const all = new Set(ids);
  for (const id of all) {
    const next = IMPLIES[textOf(cloud.table('role').get(id)?.name)];
    const role = next && cloud.table('role').find((one) => one.name === next && !one.domain_id);
    if (role) all.add(role.id);
  }
  return [...all];
}

/** The holder of a token, or undefined when it is unknown, revoked, expired, or its user or project is gone. */
export function callerOf(cloud: SimulatedCloud, token: string | undefined): Caller | undefined {
  const row = token ? cloud.table('token').get(tokenKey(token)) : undefined;
  if (!row || Number(row.expires) <= cloud.now().getTime()) return undefined;
  const user = cloud.table('user').get(textOf(row.user_id));
  if (!user || user.enabled === false) return undefined;
  const target = textOf(row.project_id) || textOf(row.domain_id);
  const roleIds = target ? roleIdsOf(cloud, user.id, target) : [];
  if (target && roleIds.length === 0) return undefined;
  if (row.project_id && cloud.table('project').get(target)?.enabled !== true) return undefined;
  const roles = roleIds.map((id) => textOf(cloud.table('role').get(id)?.name));
  return {
    userId: user.id,
    userName: textOf(user.name),
    projectId: textOf(row.project_id),
    domainId: textOf(row.domain_id),
    roles,
    admin: roles.includes('admin'),
    token: row,
  };
}

/** Ends every token of a user: what Keystone does when a password changes or a user leaves a group. */
export function revokeTokens(cloud: SimulatedCloud, userId: string): void {
  for (const token of cloud.table('token').where((one) => one.user_id === userId))
    cloud.table('token').drop(token.id);
}

export const ANONYMOUS: Caller = {
  userId: '',
  userName: '',
  projectId: '',
  domainId: '',
  roles: [],
  admin: false,
};

export function authenticate(cloud: SimulatedCloud, token: string | undefined): Caller {
  const caller = callerOf(cloud, token);
  if (!caller) throw unauthorized();
  return caller;
}

/** Refuses whoever is not an admin, in Nova's and Cinder's words. */
export function requireAdmin(call: Call, rule: string): void {
  if (!call.who.admin) throw forbidden(`Policy doesn't allow ${rule} to be performed.`);
}

/** True for admins and for members of the project that owns the object. */
export const mayUse = (call: Call, projectId: unknown): boolean =>
  call.who.admin || call.who.projectId === projectId;
