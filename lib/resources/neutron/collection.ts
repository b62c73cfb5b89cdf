/** What Neutron's types have in common: collections that are all alike, tags, sharing, names. */
import { isError } from '../../domain/errors.ts';
import type { Cloud, Query } from '../../ports.ts';
import { type Mark, marked } from '../removal.ts';
import { all } from '../resource-type.ts';

/** Ids in one query, so that its URL stays short. */
const IDS_A_QUERY = 50;

const pathOf = (plural: string) => `/v2.0/${plural.replaceAll('_', '-')}`;

/**
 * A collection of Neutron by the keys of its bodies: one under `singular`, many under `plural`.
 * @see https://docs.openstack.org/api-ref/network/v2/
 */
export const collection = <T extends { id: string }>(singular: string, plural: string) => {
  const path = pathOf(plural);
  const list = (cloud: Cloud, query: Query = {}): AsyncIterable<T> =>
    cloud.list<T>('network', path, plural, { query });
  const unwrapped = async (answer: Promise<Record<string, T>>) => (await answer)[singular] as T;
  return {
    list,
    /** Those whose `key` is one of many values, in as many queries as that takes. */
    async listBy(cloud: Cloud, key: string, values: Iterable<string>, query: Query = {}) {
      const wanted = [...new Set(values)];
      const found: T[] = [];
      for (let at = 0; at < wanted.length; at += IDS_A_QUERY) {
        const some = wanted.slice(at, at + IDS_A_QUERY);
        found.push(...(await all(list(cloud, { ...query, [key]: some }))));
      }
      return found;
    },
    /** @throws ResourceNotFound */
    get: (cloud: Cloud, id: string) => unwrapped(cloud.get('network', `${path}/${id}`)),
    create: (cloud: Cloud, body: object) =>
      unwrapped(cloud.post('network', path, { [singular]: body })),
    update: (cloud: Cloud, id: string, body: object) =>
      unwrapped(cloud.put('network', `${path}/${id}`, { [singular]: body })),
    /** One that is gone is a success. */
    remove: (cloud: Cloud, id: string) => cloud.delete('network', `${path}/${id}`),
    /** Those that a reset takes away, by their own name or their project's. */
    marked: <B extends T & { project_id: string; name: string }>(cloud: Cloud, mark: Mark) =>
      marked(list(cloud) as AsyncIterable<B>, mark, ({ id, name, project_id: project }) => ({
        ...{ id, name, project },
      })),
    /**
     * Gives an object there the tags of the source's, which no create takes. Safe to repeat.
     * @see https://docs.openstack.org/api-ref/network/v2/#replace-all-tags
     */
    async tag(cloud: Cloud, id: string, { tags = [] }: { tags?: string[] }) {
      if (tags.length > 0) await cloud.put('network', `${path}/${id}/tags`, { tags });
    },
  };
};

/** How often objects of a type are shared with other projects, by object id. */
export const shares = async (cloud: Cloud, objectType: string): Promise<Map<string, number>> => {
  const query = { object_type: objectType, action: 'access_as_shared' };
  const counts = new Map<string, number>();
  try {
    for await (const { object_id } of collection<{ id: string; object_id: string }>(
      'rbac_policy',
      'rbac_policies',
    ).list(cloud, query)) {
      counts.set(object_id, (counts.get(object_id) ?? 0) + 1);
    }
  } catch (error) {
    if (!isError(error, 'ResourceNotFound')) throw error; // a cloud without the extension
  }
  return counts;
};

interface Named {
  id: string;
  name: string;
  project_id: string;
}

/** Why an object cannot be told by its name within its project: Neutron does not keep names unique. */
export const nameObstacles = <T extends Named>(body: T, others: readonly T[]): string[] => {
  const same = others.filter(
    ({ id, name, project_id }) =>
      id !== body.id && name === body.name && project_id === body.project_id,
  );
  if (same.length > 0) return [`it is ambiguous: ${same[0]?.id} has the same name; rename one`];
  return body.name === '' ? ['it is ambiguous: it has no name; give it one'] : [];
};

/** The names of the lists that differ, whatever the order of what they hold. */
export const differingLists = <T extends object>(
  mine: T,
  theirs: T,
  fields: readonly (keyof T & string)[],
): string[] => {
  const sorted = (value: unknown) =>
    JSON.stringify(((value ?? []) as unknown[]).map((one) => JSON.stringify(one)).sort());
  return fields.filter((field) => sorted(mine[field]) !== sorted(theirs[field]));
};
