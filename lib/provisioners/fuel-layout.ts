/** How a node's disks and interfaces are to be used: as another compute node's are, or as the operator says. */
import { PumphouseError } from '../domain/errors.ts';
import type { FuelDisk, FuelInterface, FuelNode, Nailgun } from './nailgun.ts';
import { type Fields, mappingAt } from './settings.ts';

export interface Layout {
  roles: string[];
  /** Volumes by the name of the disk, networks by the name of the interface. */
  volumes: Record<string, { name: string; size: number }[]>;
  networks: Record<string, string[]>;
}

const conflict = (message: string) => new PumphouseError('ResourceConflict', message);

const byName = <T extends { name: string }, U>(list: readonly T[], value: (one: T) => U) =>
  Object.fromEntries(list.map((one) => [one.name, value(one)]));

/** The first compute node of the environment is the pattern. @throws ResourceConflict */
const discovered = async (api: Nailgun, cluster: number): Promise<Layout> => {
  const nodes = await api.get<FuelNode[]>(`nodes/?cluster_id=${cluster}`);
  const pattern = nodes.find(
    ({ roles, status }) => roles.includes('compute') && status === 'ready',
  );
  if (!pattern)
    throw conflict(
      'The destination environment has no compute node to take disks and interfaces from; describe them under pumphouse.fuel.layout',
    );
  const disks = await api.get<FuelDisk[]>(`nodes/${pattern.id}/disks/`);
  const interfaces = await api.get<FuelInterface[]>(`nodes/${pattern.id}/interfaces/`);
  return {
    roles: pattern.roles,
    volumes: byName(disks, ({ volumes }) => volumes),
    networks: byName(interfaces, ({ assigned_networks }) =>
      assigned_networks.map(({ name }) => name),
    ),
  };
};

/** @throws ResourceConflict, InvalidRequest */
export const layoutOf = async (
  api: Nailgun,
  cluster: number,
  settings: Fields,
): Promise<Layout> => {
  if (settings.layout === undefined) return discovered(api, cluster);
  const fixed = mappingAt(settings, 'layout', 'fuel.layout');
  return {
    roles: Array.isArray(fixed.roles) ? fixed.roles.map(String) : ['compute'],
    volumes: mappingAt(fixed, 'volumes', 'fuel.layout.volumes') as Layout['volumes'],
    networks: mappingAt(fixed, 'networks', 'fuel.layout.networks') as Layout['networks'],
  };
};

const networkIds = async (api: Nailgun, cluster: number): Promise<Map<string, number>> => {
  const path = `clusters/${cluster}/network_configuration/neutron`;
  const { networks } = await api.get<{ networks: { id: number; name: string }[] }>(path);
  return new Map(networks.map(({ id, name }) => [name, id]));
};

/**
 * Lays the node's own disks and interfaces out, by their names; what the pattern does not name stays
 * unused. Idempotent.
 * @throws ResourceConflict when the pattern names what the node does not have, or an unknown network
 */
export const applyLayout = async (
  api: Nailgun,
  node: FuelNode,
  cluster: number,
  layout: Layout,
): Promise<void> => {
  const disks = await api.get<FuelDisk[]>(`nodes/${node.id}/disks/`);
  const interfaces = await api.get<FuelInterface[]>(`nodes/${node.id}/interfaces/`);
  const ids = await networkIds(api, cluster);
  const own = new Set([...disks, ...interfaces].map(({ name }) => name));
  const used = [...Object.entries(layout.volumes), ...Object.entries(layout.networks)];
  const missing = used.flatMap(([name, uses]) => (uses.length > 0 && !own.has(name) ? [name] : []));
  if (missing.length > 0)
    throw conflict(`Node ${node.name} has no ${missing.join(', ')}, which the layout names`);
  const idOf = (name: string) => {
    const id = ids.get(name);
    if (id === undefined) throw conflict(`The destination environment has no network ${name}`);
    return { id, name };
  };
  await api.put(
    `nodes/${node.id}/disks/`,
    disks.map((disk) => ({ ...disk, volumes: layout.volumes[disk.name] ?? [] })),
  );
  await api.put(
    `nodes/${node.id}/interfaces/`,
    interfaces.map((one) => ({
      ...one,
      assigned_networks: (layout.networks[one.name] ?? []).map(idOf),
    })),
  );
};
