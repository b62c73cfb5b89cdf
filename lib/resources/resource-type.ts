/**
 * What Pumphouse has to know of one type of OpenStack resource to bring it over. One file per type
 * says all of it; the engine in `lib/migration` knows none of them by name.
 */
import { isError } from '../domain/errors.ts';
import type { EventData, EventName } from '../domain/event.ts';
import type { Strategy } from '../domain/operation.ts';
import type { Reference, ResourceName } from '../domain/plan.ts';
import type { View, WorldStatus, WorldType } from '../domain/world.ts';
import type { Cloud } from '../ports.ts';
import type { Removal } from './removal.ts';

/** What discovery has found so far; types are discovered in the order of the registry. */
export interface Discovery {
  source: Cloud;
  /** The tenant's id in the source. */
  tenantId: string;
  /** How servers travel: by `image`, the images that they were booted from come along too. */
  strategy: Strategy;
  found<T>(type: ResourceType<T>): readonly T[];
}

/** The destination's ids of source objects. */
export interface Ids {
  /** @throws ResourceNotFound when the object has no counterpart yet */
  of(type: ResourceName, sourceId: string): string;
  maybe(type: ResourceName, sourceId: string): string | undefined;
}

/** Both clouds and what is known of the migration while one object is brought over. */
export interface Site {
  source: Cloud;
  destination: Cloud;
  ids: Ids;
  /** The tenant's id in the source. */
  tenantId: string;
}

/** How objects of the type stand in the world, for those that do. */
export interface WorldListing<T> {
  type: WorldType;
  /** Every such object of a cloud, whoever owns it. */
  list(cloud: Cloud): AsyncIterable<T>;
  id(body: T): string;
  view(body: T): View;
  observed?(body: T): WorldStatus | undefined;
}

export interface ResourceType<T> {
  readonly type: ResourceName;
  /**
   * `cloud`: shared by all tenants; one that is equal is taken as it is. `tenant`: belongs to
   * somebody; a namesake that Pumphouse did not make is a conflict (decision 2.6).
   */
  readonly scope: 'cloud' | 'tenant';
  /** Where it depends on the object: true for one that belongs to the cloud or to another tenant. */
  shared?(body: T, tenantId: string): boolean;
  /** True for what the cloud makes by itself along with the tenant: found without having been asked for. */
  automatic?(body: T): boolean;
  /**
   * The object that it is a part of, as rules are of their group: it is there as soon as that one is,
   * under the same id, is ours when that one is, and is settled rather than made.
   */
  partOf?(body: T): Reference;
  /** Recorded once when the object has been made. Absent for what makes no event. */
  readonly created?: EventName | ((body: T) => EventName);
  /** The source id. Opaque, unique within the type. */
  id(body: T): string;
  /** For people. */
  label(body: T): string;
  /** What of this type the tenant owns or its servers use. */
  discover(discovery: Discovery): Promise<readonly T[]>;
  /** Reads it again, since a plan keeps no bodies. @throws ResourceNotFound */
  get(source: Cloud, id: string): Promise<T>;
  /** What must be there before it. References to what is not in the plan are ignored. */
  needs(body: T, tenantId: string): Reference[];
  /** What at the destination has the same identity, by id there; `[]` when what it hangs on is not there yet. */
  find(site: Site, body: T): Promise<{ id: string; body: T }[]>;
  /** Names of the fields in which a found one differs; both bodies as their own cloud shows them. */
  differences(mine: T, theirs: T, site: Site): string[];
  /** Makes it and answers its id there. Called again only after `find` has not found it. */
  create(site: Site, body: T): Promise<string>;
  /** Brings what create cannot carry; runs after create and after reuse of what is ours; safe to repeat. */
  settle?(site: Site, body: T, id: string): Promise<void>;
  /** What the `created` event tells beside `id`, `source_id` and `cloud`. */
  event(body: T, site: Site): EventData;
  /** Why the destination cannot take it although nothing like it is there; asked before anything is made. */
  unfit?(site: Site, body: T): Promise<string | undefined>;
  /** Reasons why it cannot be carried; the migration is refused with each of them. */
  obstacles?(body: T, discovery: Discovery): string[];
  /** What of it stays behind, said in advance. */
  losses?(body: T): string[];
  readonly world?: WorldListing<T>;
  readonly removal?: Removal;
}

/** What is asked for, or nothing where there is none any more. */
export const present = <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: unknown) => {
    if (isError(error, 'ResourceNotFound')) return undefined;
    throw error;
  });

/** Every item of a paged listing. */
export const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);

/** The names of the fields that differ, compared as JSON with keys sorted; absent equals null. */
export const differing = <T extends object>(
  mine: T,
  theirs: T,
  fields: readonly (keyof T & string)[],
): string[] => fields.filter((field) => canonical(mine[field]) !== canonical(theirs[field]));

/** JSON with sorted keys, so that equal things are equal text. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value ?? null, (_key, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** A view without what is absent, null or not flat. */
export const viewOf = (fields: Record<string, unknown>): View =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        (typeof value === 'string' && value !== '') ||
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (Array.isArray(value) && value.every((one) => typeof one === 'string')),
    ),
  ) as View;
