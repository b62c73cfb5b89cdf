/** Projects, users, groups, roles, domains; services, endpoints and regions to read: one shape, few oddities. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Item } from '../model.ts';
import { revokeTokens } from '../policy.ts';
import { isTrue, listOf, omit, textOf } from '../reading.ts';
import { badRequest, conflict, forbidden, notFound } from '../refusal.ts';
import { type Call, created, noContent, ok, type Routes, under } from '../router.ts';
import { hashSecret } from './passwords.ts';

interface Kind {
  kind: string;
  collection: string;
  /** Fields that every object has, with what they are when nobody says. */
  defaults(call: Call, input: Fields): Fields;
  /** The sentence of the 409. */
  duplicate(item: Item, other: Item): string;
  /** Query parameters that select by a field. */
  filters: string[];
  /** Lets whoever it is about read it; all else is for admins. */
  ownBy?(call: Call, item: Item): boolean;
  view?(call: Call, item: Item): Fields;
  removing?(cloud: SimulatedCloud, item: Item): void;
}

const KINDS: Kind[] = [
  {
    kind: 'project',
    collection: 'projects',
    defaults: (_, input) => {
      const domain = textOf(input.domain_id, 'default') || 'default';
      return {
        domain_id: domain,
        description: '',
        enabled: true,
        parent_id: domain,
        is_domain: false,
        tags: [],
        options: {},
      };
    },
    duplicate: (item, other) =>
      'Conflict occurred attempting to store project - it is not permitted to have two projects ' +
      `with either the same name or same id in the same domain: name is ${item.name}, project id ${other.id}.`,
    filters: ['name', 'domain_id', 'enabled', 'parent_id', 'is_domain'],
    ownBy: (call, item) => call.who.projectId === item.id,
    view: (call, item) => projectView(call, item),
    removing: (cloud, item) => dropAssignments(cloud, item.id),
  },
  {
    kind: 'user',
    collection: 'users',
    defaults: () => ({
      domain_id: 'default',
      enabled: true,
      password_expires_at: null,
      options: {},
    }),
    duplicate: (item) =>
      `Conflict occurred attempting to store user - Duplicate entry found with name ${item.name} at domain ID ${item.domain_id}.`,
    filters: ['name', 'domain_id', 'enabled'],
    ownBy: (call, item) => call.who.userId === item.id,
    view: (call, item) => userView(call, item),
    removing: (cloud, item) => {
      dropAssignments(cloud, item.id);
      for (const kind of ['membership', 'credential', 'token', 'keypair'])
        for (const row of cloud.table(kind).where((one) => one.user_id === item.id))
          cloud.table(kind).drop(row.id);
    },
  },
  {
    kind: 'group',
    collection: 'groups',
    defaults: () => ({ domain_id: 'default', description: '' }),
    duplicate: (item) =>
      `Conflict occurred attempting to store group - Duplicate entry found with name ${item.name} at domain ID ${item.domain_id}.`,
    filters: ['name', 'domain_id'],
    removing: (cloud, item) => {
      dropAssignments(cloud, item.id);
      for (const row of cloud.table('membership').where((one) => one.group_id === item.id))
        cloud.table('membership').drop(row.id);
    },
  },
  {
    kind: 'role',
    collection: 'roles',
    defaults: () => ({ domain_id: null, description: null, options: {} }),
    duplicate: (item) =>
      `Conflict occurred attempting to store role - Duplicate entry found with name ${item.name}.`,
    filters: ['name', 'domain_id'],
    removing: (cloud, item) => {
      for (const row of cloud.assignments.where((one) => one.role === item.id))
        cloud.assignments.drop(row.id);
    },
  },
  {
    kind: 'domain',
    collection: 'domains',
    defaults: () => ({ description: '', enabled: true, tags: [], options: {} }),
    duplicate: (item) =>
      `Conflict occurred attempting to store domain - Duplicate entry found with name ${item.name}.`,
    filters: ['name', 'enabled'],
    removing: (_, item) => {
      if (item.enabled)
        throw forbidden('Cannot delete a domain that is enabled, please disable it first.');
    },
  },
];

function dropAssignments(cloud: SimulatedCloud, id: string): void {
  for (const row of cloud.assignments.where((one) => one.target === id || one.actor === id))
    cloud.assignments.drop(row.id);
}

export const links = (call: Call): Fields => {
  const query = call.query.size > 0 ? `?${call.query.toString().replace(/=(?=&|$)/g, '')}` : '';
  return {
    next: null,
    self: `${call.cloud.origin()}/identity/v3${call.path}${query}`,
    previous: null,
  };
};

/** The object with its own address, as every answer of Keystone has it. */
export const resource = (call: Call, collection: string, item: Item): Fields => ({
  ...item,
  links: { self: `${call.cloud.origin()}/identity/v3/${collection}/${item.id}` },
});

export const projectView = (call: Call, item: Item): Fields => resource(call, 'projects', item);
export const userView = (call: Call, item: Item): Fields =>
  omit(resource(call, 'users', item), ['password_hash']);

/** Refuses whoever is not an admin, in Keystone's words. */
export function requireKeystoneAdmin(call: Call, rule: string): void {
  if (!call.who.admin)
    throw forbidden(`You are not authorized to perform the requested action: identity:${rule}.`);
}

const sameValue = (filter: string, value: unknown): boolean =>
  typeof value === 'boolean' ? isTrue(filter) === value : filter === String(value ?? '');

/** `name` in Keystone is compared without case, as its database does; `name__contains` and such are left out. */
function fits(call: Call, kind: Kind, item: Item): boolean {
  return kind.filters.every((name) => {
    const filter = call.query.get(name);
    if (filter === null) return true;
    if (name === 'name') return filter.toLowerCase() === textOf(item.name).toLowerCase();
    return sameValue(filter, item[name]);
  });
}

function tagsFit(call: Call, item: Item): boolean {
  const tags = call.query.get('tags');
  return tags === null || tags.split(',').every((tag) => listOf(item.tags).includes(tag));
}

const shown = (call: Call, kind: Kind, item: Item): Fields =>
  kind.view?.(call, item) ?? resource(call, kind.collection, item);

/** The object, for admins and for whoever it is about; strangers are not told whether it exists. */
function readable(call: Call, kind: Kind): Item {
  const item = call.cloud.table(kind.kind).get(call.param('id'));
  if (!item || !kind.ownBy?.(call, item)) requireKeystoneAdmin(call, `get_${kind.kind}`);
  if (!item) throw notFound(`Could not find ${kind.kind}: ${call.param('id')}.`);
  return item;
}

/** Names are unique in their domain, whatever their case. */
function requireFreeName(call: Call, kind: Kind, item: Item): void {
  const name = textOf(item.name).toLowerCase();
  const other = call.cloud
    .table(kind.kind)
    .find(
      (one) =>
        one.id !== item.id &&
        textOf(one.name).toLowerCase() === name &&
        (one.domain_id ?? null) === (item.domain_id ?? null),
    );
  if (other) throw conflict(kind.duplicate(item, other));
}

function keep(call: Call, kind: Kind, item: Item): Fields {
  requireFreeName(call, kind, item);
  return { [kind.kind]: shown(call, kind, call.cloud.table(kind.kind).put(item)) };
}

function routesOf(kind: Kind): Routes {
  const { kind: key, collection } = kind;
  return {
    [`GET /${collection}`]: (call) => {
      requireKeystoneAdmin(call, `list_${collection}`);
      const items = call.cloud
        .table(key)
        .where((item) => fits(call, kind, item) && tagsFit(call, item));
      return ok({ [collection]: items.map((item) => shown(call, kind, item)), links: links(call) });
    },
    [`GET /${collection}/:id`]: (call) => ok({ [key]: shown(call, kind, readable(call, kind)) }),
    [`POST /${collection}`]: (call) => {
      requireKeystoneAdmin(call, `create_${key}`);
      const input = under(call, key);
      if (!textOf(input.name)) throw badRequest("'name' is a required property");
      return created(keep(call, kind, stored(call, kind, input)));
    },
    [`PATCH /${collection}/:id`]: (call) => {
      requireKeystoneAdmin(call, `update_${key}`);
      const input = under(call, key);
      const item: Item = { ...readable(call, kind), ...hashed(input), id: call.param('id') };
      const body = keep(call, kind, item);
      if (input.password !== undefined || input.enabled === false)
        revokeTokens(call.cloud, item.id);
      return ok(body);
    },
    [`DELETE /${collection}/:id`]: (call) => {
      requireKeystoneAdmin(call, `delete_${key}`);
      const item = readable(call, kind);
      kind.removing?.(call.cloud, item);
      call.cloud.table(key).drop(item.id);
      return noContent();
    },
  };
}

const hashed = (input: Fields): Fields =>
  typeof input.password === 'string'
    ? { ...omit(input, ['password']), password_hash: hashSecret(input.password) }
    : omit(input, ['password']);

function stored(call: Call, kind: Kind, input: Fields): Item {
  const item: Item = { ...kind.defaults(call, input), ...hashed(input), id: call.cloud.newHexId() };
  const domain = textOf(item.domain_id);
  if (kind.kind === 'project' && !input.domain_id) Object.assign(item, { domain_id: 'default' });
  if (domain && !call.cloud.table('domain').get(domain))
    throw notFound(`Could not find domain: ${domain}.`);
  return item;
}

const tagRoutes: Routes = {
  'GET /projects/:id/tags': (call) => ok({ tags: projectOf(call).tags, links: links(call) }),
  'PUT /projects/:id/tags': (call) => {
    requireKeystoneAdmin(call, 'update_project_tags');
    const project = projectOf(call);
    call.cloud.table('project').put({ ...project, tags: listOf(call.body.tags) });
    return ok({
      links: { self: `${call.cloud.origin()}/identity/v3` },
      tags: listOf(call.body.tags),
    });
  },
};

function projectOf(call: Call): Item {
  const project = call.cloud.table('project').get(call.param('id'));
  if (!project) throw notFound(`Could not find project: ${call.param('id')}.`);
  return project;
}

export const collectionRoutes: Routes = {
  ...Object.assign({}, ...KINDS.map(routesOf)),
  ...tagRoutes,
};
