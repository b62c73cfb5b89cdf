/** Who has which role where. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Assignment, Fields } from '../model.ts';
import { roleIdsOf } from '../policy.ts';
import { isTrue, textOf } from '../reading.ts';
import { notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes } from '../router.ts';
import { links, requireKeystoneAdmin, resource } from './collections.ts';

const SINGULAR: Record<string, string> = {
  projects: 'project',
  domains: 'domain',
  users: 'user',
  groups: 'group',
};

const keyOf = (one: Omit<Assignment, 'id'>) =>
  [one.targetKind, one.target, one.actorKind, one.actor, one.role].join('/');

/** Gives a role; giving it twice is giving it once. */
export function grant(cloud: SimulatedCloud, one: Omit<Assignment, 'id'>): void {
  cloud.assignments.put({ ...one, id: keyOf(one) } as Assignment);
}

function grantOf(call: Call, targetKind: string, actorKind: string): Omit<Assignment, 'id'> {
  const [target, actor, role] = [call.param('target'), call.param('actor'), call.param('role')];
  for (const [kind, id] of [
    ['role', role],
    [SINGULAR[actorKind] ?? '', actor],
    [SINGULAR[targetKind] ?? '', target],
  ] as const)
    if (id && !call.cloud.table(kind).get(id)) throw notFound(`Could not find ${kind}: ${id}.`);
  return { targetKind, target, actorKind, actor, role };
}

function grantRoutes(targetKind: string, actorKind: string): Routes {
  const path = `/${targetKind}/:target/${actorKind}/:actor/roles`;
  const held = (call: Call) => {
    requireKeystoneAdmin(call, 'check_grant');
    const wanted = grantOf(call, targetKind, actorKind);
    const found = call.cloud.assignments.get(keyOf(wanted));
    if (!found)
      throw notFound(
        `Could not find role assignment with role: ${wanted.role}, user or group: ${wanted.actor}, project, domain, or system: ${wanted.target}.`,
      );
    return found;
  };
  return {
    [`GET ${path}`]: (call) => {
      requireKeystoneAdmin(call, 'list_grants');
      const where = grantOf(call, targetKind, actorKind);
      const roles = call.cloud.assignments
        .where((one) => one.target === where.target && one.actor === where.actor)
        .flatMap((one) => call.cloud.table('role').get(one.role) ?? []);
      return ok({
        roles: roles.map((role) => resource(call, 'roles', role)),
        links: links(call),
      });
    },
    [`PUT ${path}/:role`]: (call) => {
      requireKeystoneAdmin(call, 'create_grant');
      grant(call.cloud, grantOf(call, targetKind, actorKind));
      return noContent();
    },
    [`GET ${path}/:role`]: (call) => {
      held(call);
      return noContent();
    },
    [`DELETE ${path}/:role`]: (call) => {
      const taken = held(call);
      call.cloud.assignments.drop(taken.id);
      forgetCredentials(call.cloud, taken);
      return noContent();
    },
  };
}

/** With a role on a project go the application credentials that stood on it. */
function forgetCredentials(cloud: SimulatedCloud, taken: Assignment): void {
  const credentials = cloud.table('credential');
  for (const one of credentials.where(
    (other) => other.user_id === taken.actor && other.project_id === taken.target,
  ))
    credentials.drop(one.id);
}

function view(call: Call, one: Assignment, names: boolean): Fields {
  const about = (kind: string, id: string): Fields => {
    if (!names) return { id };
    const item = call.cloud.table(kind).get(id);
    const domain = call.cloud.table('domain').get(textOf(item?.domain_id));
    return {
      id,
      name: item?.name,
      ...(domain ? { domain: { id: domain.id, name: domain.name } } : {}),
    };
  };
  const actor = SINGULAR[one.actorKind] ?? '';
  const target = SINGULAR[one.targetKind] ?? '';
  const path = `${one.targetKind}/${one.target}/${one.actorKind}/${one.actor}/roles/${one.role}`;
  return {
    links: { assignment: `${call.cloud.origin()}/identity/v3/${path}` },
    scope: { [target]: about(target, one.target) },
    [actor]: about(actor, one.actor),
    role: about('role', one.role),
  };
}

/** Assignments as they work: groups dissolved into their members, implied roles added. */
function effective(cloud: SimulatedCloud): Assignment[] {
  const users = cloud.table('user').all();
  const places = new Map(cloud.assignments.all().map((one) => [one.target, one.targetKind]));
  return [...places].flatMap(([target, targetKind]) =>
    users.flatMap((user) =>
      roleIdsOf(cloud, user.id, target).map((role) => ({
        id: '',
        role,
        actorKind: 'users',
        actor: user.id,
        targetKind,
        target,
      })),
    ),
  );
}

const flag = (call: Call, name: string): boolean => {
  const value = call.query.get(name);
  return value !== null && (value === '' || isTrue(value));
};

function list(call: Call) {
  requireKeystoneAdmin(call, 'list_role_assignments');
  const wanted = (name: string, value: string, applies = true) => {
    const filter = call.query.get(name);
    return filter === null || (applies && filter === value);
  };
  const all = flag(call, 'effective') ? effective(call.cloud) : call.cloud.assignments.all();
  const shown = all.filter(
    (one) =>
      wanted('role.id', one.role) &&
      wanted('user.id', one.actor, one.actorKind === 'users') &&
      wanted('group.id', one.actor, one.actorKind === 'groups') &&
      wanted('scope.project.id', one.target, one.targetKind === 'projects') &&
      wanted('scope.domain.id', one.target, one.targetKind === 'domains'),
  );
  const names = flag(call, 'include_names');
  return ok({
    role_assignments: shown.map((one) => view(call, one, names)),
    links: links(call),
  });
}

export const assignmentRoutes: Routes = {
  'GET /role_assignments': list,
  ...grantRoutes('projects', 'users'),
  ...grantRoutes('projects', 'groups'),
  ...grantRoutes('domains', 'users'),
  ...grantRoutes('domains', 'groups'),
};
