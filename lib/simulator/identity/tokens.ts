/** Tokens: password or application credential in, a scope and the catalog out. */
import { randomBytes } from 'node:crypto';
import { micros } from '../clock.ts';
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Item } from '../model.ts';
import { callerOf, roleIdsOf, tokenKey } from '../policy.ts';
import { listOf, recordOf, textOf } from '../reading.ts';
import { badRequest, forbidden, notFound, unauthorized } from '../refusal.ts';
import { type Call, created, noContent, ok, type Routes } from '../router.ts';
import { catalogOf } from './catalog.ts';
import { links, projectView, resource } from './collections.ts';
import { secretFits } from './passwords.ts';

/** Four hours, as long as the real ones that this is compared with. */
const TOKEN_LIFE_MS = 4 * 3600 * 1000;

const domainRef = (cloud: SimulatedCloud, id: unknown) => ({
  id: textOf(id),
  name: textOf(cloud.table('domain').get(textOf(id))?.name),
});

const named = (cloud: SimulatedCloud, item: Item) => ({
  id: item.id,
  name: textOf(item.name),
  domain: domainRef(cloud, item.domain_id),
});

function tokenBody(cloud: SimulatedCloud, token: Item): Fields {
  const user = cloud.table('user').get(textOf(token.user_id));
  const project = cloud.table('project').get(textOf(token.project_id));
  const target = textOf(token.project_id) || textOf(token.domain_id);
  const roles = target
    ? roleIdsOf(cloud, textOf(token.user_id), target).map((id) => ({
        id,
        name: textOf(cloud.table('role').get(id)?.name),
      }))
    : undefined;
  return {
    methods: token.methods,
    user: user ? { ...named(cloud, user), password_expires_at: null } : null,
    audit_ids: token.audit_ids,
    expires_at: micros(new Date(Number(token.expires))).concat('Z'),
    issued_at: micros(new Date(Number(token.issued))).concat('Z'),
    ...(project ? { project: named(cloud, project), is_domain: false } : {}),
    ...(token.domain_id ? { domain: domainRef(cloud, token.domain_id) } : {}),
    ...(roles ? { roles, catalog: catalogOf(cloud, textOf(token.project_id)) } : {}),
  };
}

function findIn(cloud: SimulatedCloud, kind: string, ref: Fields): Item | undefined {
  if (ref.id) return cloud.table(kind).get(textOf(ref.id));
  const domain = recordOf(ref.domain);
  const domainId = domain.id
    ? textOf(domain.id)
    : cloud.table('domain').find((one) => one.name === domain.name)?.id;
  return cloud.table(kind).find((one) => one.name === ref.name && one.domain_id === domainId);
}

type Who = { user: Item; methods: string[]; projectId?: string };

function identify(call: Call, identity: Fields): Who {
  const methods = listOf(identity.methods).map((one) => textOf(one));
  if (methods.includes('password')) {
    const given = recordOf(recordOf(identity.password).user);
    const user = findIn(call.cloud, 'user', given);
    if (user && user.enabled !== false && secretFits(textOf(given.password), user.password_hash))
      return { user, methods };
  } else if (methods.includes('application_credential')) {
    return byApplicationCredential(call, recordOf(identity.application_credential), methods);
  } else if (methods.includes('token')) {
    const caller = callerOf(call.cloud, textOf(recordOf(identity.token).id));
    const user = caller && call.cloud.table('user').get(caller.userId);
    if (user) return { user, methods: ['token', 'password'] };
  }
  throw unauthorized();
}

function byApplicationCredential(call: Call, given: Fields, methods: string[]): Who {
  const owner = given.user ? findIn(call.cloud, 'user', recordOf(given.user)) : undefined;
  const credential = given.id
    ? call.cloud.table('credential').get(textOf(given.id))
    : call.cloud
        .table('credential')
        .find((one) => one.name === given.name && one.user_id === owner?.id);
  const user = credential && call.cloud.table('user').get(textOf(credential.user_id));
  if (!user || !secretFits(textOf(given.secret), credential.secret_hash)) throw unauthorized();
  return { user, methods, projectId: textOf(credential.project_id) };
}

function scopeOf(call: Call, scope: Fields, who: Who): { project_id?: string; domain_id?: string } {
  if (who.projectId) {
    if (Object.keys(scope).length > 0) throw unauthorized();
    return { project_id: who.projectId };
  }
  if (scope.domain) {
    const given = recordOf(scope.domain);
    const domain = call.cloud
      .table('domain')
      .find((one) => one.id === given.id || one.name === given.name);
    if (!domain) throw unauthorized();
    return { domain_id: domain.id };
  }
  const project = scope.project
    ? findIn(call.cloud, 'project', recordOf(scope.project))
    : call.cloud.table('project').get(textOf(who.user.default_project_id));
  if (scope.project && project?.enabled !== true) throw unauthorized();
  return project ? { project_id: project.id } : {};
}

function issue(call: Call) {
  const auth = recordOf(call.body.auth);
  if (!auth.identity) throw badRequest("'identity' is a required property");
  const who = identify(call, recordOf(auth.identity));
  const scope = scopeOf(call, recordOf(auth.scope), who);
  const target = scope.project_id ?? scope.domain_id;
  if (target && roleIdsOf(call.cloud, who.user.id, target).length === 0) throw unauthorized();
  const secret = `gAAAAAB${randomBytes(66).toString('base64url')}`;
  const now = call.cloud.now().getTime();
  const tokens = call.cloud.table('token');
  for (const old of tokens.where((one) => Number(one.expires) <= now)) tokens.drop(old.id);
  const token = tokens.put({
    id: tokenKey(secret),
    user_id: who.user.id,
    methods: who.methods,
    audit_ids: [randomBytes(16).toString('base64url')],
    issued: now,
    expires: now + TOKEN_LIFE_MS,
    ...scope,
  });
  return created({ token: tokenBody(call.cloud, token) }, { 'X-Subject-Token': secret });
}

function subject(call: Call): { token: Item; secret: string } {
  const secret = textOf(call.request.headers['x-subject-token']);
  const token = callerOf(call.cloud, secret)?.token;
  if (!token) throw notFound('Could not recognize Fernet token');
  if (!call.who.admin && token.user_id !== call.who.userId)
    throw forbidden(
      'You are not authorized to perform the requested action: identity:validate_token.',
    );
  return { token, secret };
}

function show(call: Call) {
  const { token, secret } = subject(call);
  return ok({ token: tokenBody(call.cloud, token) }, { 'X-Subject-Token': secret });
}

/** Projects in which the caller has a role, directly or by a group. */
export const projectsOf = (cloud: SimulatedCloud, userId: string): Item[] =>
  cloud.table('project').where((one) => roleIdsOf(cloud, userId, one.id).length > 0);

export const openTokenRoutes: Routes = { 'POST /auth/tokens': issue };

export const tokenRoutes: Routes = {
  'GET /auth/tokens': show,
  'DELETE /auth/tokens': (call) => {
    call.cloud.table('token').drop(subject(call).token.id);
    return noContent();
  },
  'GET /auth/catalog': (call) =>
    ok({ catalog: catalogOf(call.cloud, call.who.projectId), links: links(call) }),
  'GET /auth/projects': (call) =>
    ok({
      projects: projectsOf(call.cloud, call.who.userId).map((one) => projectView(call, one)),
      links: links(call),
    }),
  'GET /auth/domains': (call) =>
    ok({
      domains: call.cloud
        .table('domain')
        .where((one) => roleIdsOf(call.cloud, call.who.userId, one.id).length > 0)
        .map((one) => resource(call, 'domains', one)),
      links: links(call),
    }),
};
