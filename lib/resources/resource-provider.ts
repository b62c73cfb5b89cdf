/** What Placement keeps of a host. Nova deletes it with the service, and only logs when that fails. */
import type { Cloud } from '../ports.ts';
import { all } from './resource-type.ts';

interface ResourceProvider {
  uuid: string;
  name: string;
  parent_provider_uuid: string | null;
  root_provider_uuid: string;
}

interface Allocations {
  allocations: Record<string, { resources: Record<string, number> }>;
  project_id?: string;
  user_id?: string;
  consumer_generation?: number;
}

/** @see microversion 1.14 for `in_tree` and the root */
const list = async (
  cloud: Cloud,
  query: { name: string } | { in_tree: string },
): Promise<ResourceProvider[]> =>
  all(cloud.list('placement', '/resource_providers', 'resource_providers', { query }));

/** The providers of a host: its own by name, and those below it; children first. */
export const providersOf = async (cloud: Cloud, host: string): Promise<ResourceProvider[]> => {
  const named = await list(cloud, { name: host });
  const roots = named.filter(({ name }) => name === host);
  const trees = await Promise.all(roots.map(({ uuid }) => list(cloud, { in_tree: uuid })));
  // Whoever removes them must not rely on the cloud's filter alone.
  const ours = trees
    .flat()
    .filter((one) => roots.some(({ uuid }) => uuid === one.root_provider_uuid));
  const found = [...new Map(ours.map((one) => [one.uuid, one])).values()];
  const isRoot = ({ parent_provider_uuid }: ResourceProvider) => !parent_provider_uuid;
  return found.sort((a, b) => Number(isRoot(a)) - Number(isRoot(b)));
};

const consumersOf = async (cloud: Cloud, uuid: string): Promise<string[]> => {
  const path = `/resource_providers/${uuid}/allocations`;
  return Object.keys((await cloud.get<Allocations>('placement', path)).allocations);
};

/**
 * Takes one provider out of what a consumer holds; what it holds elsewhere stays.
 * @see https://docs.openstack.org/api-ref/placement/#update-allocations, by generation since 1.28
 */
const releaseFrom = async (cloud: Cloud, consumer: string, uuid: string): Promise<void> => {
  const path = `/allocations/${consumer}`;
  const held = await cloud.get<Allocations>('placement', path);
  const { [uuid]: mine, ...others } = held.allocations;
  if (!mine) return;
  const { project_id, user_id, consumer_generation } = held;
  const rest = Object.entries(others).map(([id, { resources }]) => [id, { resources }]);
  const allocations = Object.fromEntries(rest);
  await cloud.put('placement', path, { allocations, project_id, user_id, consumer_generation });
};

/**
 * Removes a provider and whatever is still allocated there.
 *
 * Idempotent.
 * @throws CloudBusy when a consumer changed meanwhile
 */
export const removeProvider = async (cloud: Cloud, uuid: string): Promise<void> => {
  for (const consumer of await consumersOf(cloud, uuid)) await releaseFrom(cloud, consumer, uuid);
  await cloud.delete('placement', `/resource_providers/${uuid}`);
};
