/** Neutron's resources are all alike: this is what they share. Each kind brings its fields and its rules. */
import type { Fields, Item } from '../model.ts';
import { page, sorted } from '../paging.ts';
import { isTrue, listOf, omit, pick, recordOf, textOf } from '../reading.ts';
import { badRequest, forbidden, notFound } from '../refusal.ts';
import { type Call, created, noContent, ok, type Routes } from '../router.ts';
import type { Table } from '../store.ts';
import { requireRoom } from './quotas.ts';

export interface Kind<T extends Item> {
  collection: string;
  member: string;
  /** Neutron's exception for an unknown id, and its sentence. */
  missing(id: string): { type: string; message: string };
  table(call: Call): Table<T>;
  /** Fields that callers may give, with their values when they do not. */
  defaults: Fields;
  /** Further fields that may be given when creating, and never changed. */
  fixed?: string[];
  /** Fields that only admins may give. */
  adminFields?: string[];
  /** Fields that only admins are shown. */
  hidden?: string[];
  required?: string[];
  mayRead?(call: Call, item: T): boolean;
  /** Completes a new object, or refuses it. */
  make?(call: Call, item: T, input: Fields): T;
  /** Checks and completes a change; `item` is a copy that already has it. */
  change?(call: Call, item: T, input: Fields, before: T): T;
  remove?(call: Call, item: T): void;
  view?(call: Call, item: T): Fields;
  /** Filters that are not plain comparisons. */
  match?: Record<string, (item: T, value: string, call: Call) => boolean>;
}

const OWNERSHIP = ['tenant_id', 'project_id'];

/** Times, revision, tags and owner: on every object. */
export function stamped<T extends Item>(call: Call, fields: Fields, projectId: string): T {
  const now = call.cloud.stamp();
  return {
    id: call.cloud.newId(),
    ...fields,
    tenant_id: projectId,
    project_id: projectId,
    tags: [],
    created_at: now,
    updated_at: now,
    revision_number: 1,
  } as unknown as T;
}

export function touch<T extends Item>(call: Call, item: T): T {
  return {
    ...item,
    updated_at: call.cloud.stamp(),
    revision_number: Number(item.revision_number) + 1,
  };
}

/** The project that a new object is for; only admins may name another one than their own. */
export function ownerOf(call: Call, input: Fields): string {
  const asked = textOf(input.project_id) || textOf(input.tenant_id) || call.who.projectId;
  if (asked !== call.who.projectId && !call.who.admin)
    throw badRequest(
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges",
    );
  return asked;
}

function checkFields<T extends Item>(call: Call, kind: Kind<T>, input: Fields, creating: boolean) {
  const known = [...Object.keys(kind.defaults), ...OWNERSHIP, ...(kind.fixed ?? [])];
  for (const name of Object.keys(input)) {
    if (!known.includes(name)) throw badRequest(`Unrecognized attribute(s) '${name}'`);
    if (!creating && (kind.fixed?.includes(name) || OWNERSHIP.includes(name)))
      throw badRequest(`Cannot update read-only attribute ${name}`);
    const verb = creating ? 'create' : 'update';
    const rule = `${verb}_${kind.member}`;
    const isSet = input[name] !== undefined && input[name] !== kind.defaults[name];
    if (kind.adminFields?.includes(name) && isSet && !call.who.admin)
      throw forbidden(`(rule:${rule} and rule:${rule}:${name}) is disallowed by policy`);
  }
  for (const name of creating ? (kind.required ?? []) : [])
    if (input[name] === undefined)
      throw badRequest(`Failed to parse request. Required attribute '${name}' not specified`);
}

const readable = <T extends Item>(call: Call, kind: Kind<T>, item: T): boolean =>
  call.who.admin || item.project_id === call.who.projectId || (kind.mayRead?.(call, item) ?? false);

export function found<T extends Item>(call: Call, kind: Kind<T>, id: string): T {
  const item = kind.table(call).get(id);
  const missing = kind.missing(id);
  if (!item || !readable(call, kind, item)) throw notFound(missing.message, missing.type);
  return item;
}

/** The object, for whoever may change it. */
function owned<T extends Item>(call: Call, kind: Kind<T>, rule: string): T {
  const item = found(call, kind, call.param('id'));
  if (!call.who.admin && item.project_id !== call.who.projectId)
    throw forbidden(`(rule:${rule}_${kind.member}) is disallowed by policy`);
  return item;
}

export function makeOne<T extends Item>(call: Call, kind: Kind<T>, input: Fields): T {
  checkFields(call, kind, input, true);
  const projectId = ownerOf(call, input);
  requireRoom(call.cloud, projectId, kind.member);
  const given = pick(input, [...Object.keys(kind.defaults), ...(kind.fixed ?? [])]);
  const fresh = stamped<T>(call, { ...kind.defaults, ...given }, projectId);
  return kind.table(call).put(kind.make ? kind.make(call, fresh, input) : fresh);
}

export function showOne<T extends Item>(call: Call, kind: Kind<T>, item: T): Fields {
  const view = kind.view?.(call, item) ?? item;
  const fields = call.query.getAll('fields');
  const shown = call.who.admin ? view : omit(view, kind.hidden ?? []);
  return fields.length > 0 ? pick(shown, fields) : shown;
}

const CONTROLS = ['fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'page_reverse'];

const tagList = (value: string) => value.split(',');
const TAG_FILTERS: Record<string, (tags: unknown[], value: string) => boolean> = {
  tags: (tags, value) => tagList(value).every((tag) => tags.includes(tag)),
  'tags-any': (tags, value) => tagList(value).some((tag) => tags.includes(tag)),
  'not-tags': (tags, value) => !tagList(value).every((tag) => tags.includes(tag)),
  'not-tags-any': (tags, value) => !tagList(value).some((tag) => tags.includes(tag)),
};

function equal(own: unknown, value: string): boolean {
  if (typeof own === 'boolean') return own === isTrue(value);
  if (own === null || own === undefined) return value === '' || value === 'None';
  if (Array.isArray(own)) return own.includes(value);
  return String(own) === value;
}

/** Several values of one filter are alternatives; several filters must all fit. */
function fits<T extends Item>(call: Call, kind: Kind<T>, item: T): boolean {
  const names = [...new Set(call.query.keys())].filter((name) => !CONTROLS.includes(name));
  const view = kind.view?.(call, item) ?? item;
  return names.every((name) =>
    call.query.getAll(name).some((value) => {
      const special = kind.match?.[name];
      if (special) return special(item, value, call);
      const tagged = TAG_FILTERS[name];
      if (tagged) return tagged(listOf(item.tags), value);
      return name in view ? equal(view[name], value) : true;
    }),
  );
}

/** Neutron writes dashes in paths and underscores in bodies. */
const pathOf = (kind: { collection: string }) => `/v2.0/${kind.collection.replaceAll('_', '-')}`;

function listAll<T extends Item>(call: Call, kind: Kind<T>) {
  const all = kind
    .table(call)
    .where((item) => readable(call, kind, item) && fits(call, kind, item));
  const order = sorted(call, all, (item, key) => item[key]);
  const { items, next } = page(call, order, (item) => item.id, {
    unknownMarker: (marker) => {
      const { message, type } = kind.missing(marker);
      return notFound(message, type);
    },
    badLimit: (limit) => badRequest(`Bad limit: ${limit}`),
  });
  const href = `${call.cloud.origin()}/network${pathOf(kind)}?${next}`;
  return ok({
    [kind.collection]: items.map((item) => showOne(call, kind, item)),
    ...(next ? { [`${kind.collection}_links`]: [{ rel: 'next', href }] } : {}),
  });
}

export function collection<T extends Item>(kind: Kind<T>): Routes {
  const path = pathOf(kind);
  return {
    [`GET ${path}`]: (call) => listAll(call, kind),
    [`GET ${path}/:id`]: (call) =>
      ok({ [kind.member]: showOne(call, kind, found(call, kind, call.param('id'))) }),
    [`POST ${path}`]: (call) => {
      const many = call.body[kind.collection];
      if (!Array.isArray(many)) {
        const item = makeOne(call, kind, recordOf(call.body[kind.member]));
        return created({ [kind.member]: showOne(call, kind, item) });
      }
      const items = many.map((one) => makeOne(call, kind, recordOf(one)));
      return created({ [kind.collection]: items.map((item) => showOne(call, kind, item)) });
    },
    [`PUT ${path}/:id`]: (call) => {
      const before = owned(call, kind, 'update');
      const input = recordOf(call.body[kind.member]);
      checkFields(call, kind, input, false);
      const after = touch(call, { ...before, ...input });
      const item = kind.table(call).put(kind.change?.(call, after, input, before) ?? after);
      return ok({ [kind.member]: showOne(call, kind, item) });
    },
    [`DELETE ${path}/:id`]: (call) => {
      const item = owned(call, kind, 'delete');
      kind.remove?.(call, item);
      kind.table(call).drop(item.id);
      return noContent();
    },
  };
}

/** `/tags` of one kind of object. */
export function tags<T extends Item>(kind: Kind<T>): Routes {
  const path = `${pathOf(kind)}/:id/tags`;
  const set = (call: Call, change: (tags: unknown[]) => unknown[]) => {
    const item = owned(call, kind, 'update');
    kind.table(call).put(touch(call, { ...item, tags: change(listOf(item.tags)) }));
  };
  const has = (call: Call) => {
    const item = found(call, kind, call.param('id'));
    if (!listOf(item.tags).includes(call.param('tag')))
      throw notFound(`Tag ${call.param('tag')} could not be found.`, 'TagNotFound');
  };
  return {
    [`GET ${path}`]: (call) => ok({ tags: found(call, kind, call.param('id')).tags }),
    [`PUT ${path}`]: (call) => {
      set(call, () => listOf(call.body.tags));
      return ok({ tags: listOf(call.body.tags) });
    },
    [`DELETE ${path}`]: (call) => {
      set(call, () => []);
      return noContent();
    },
    [`GET ${path}/:tag`]: (call) => {
      has(call);
      return noContent();
    },
    [`PUT ${path}/:tag`]: (call) => {
      set(call, (all) => [...new Set([...all, call.param('tag')])]);
      return created(null);
    },
    [`DELETE ${path}/:tag`]: (call) => {
      has(call);
      set(call, (all) => all.filter((tag) => tag !== call.param('tag')));
      return noContent();
    },
  };
}
