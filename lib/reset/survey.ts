/** Looks for what bears the prefix in a cloud, and for what must not: nothing is changed here. */
import { PumphouseError } from '../domain/errors.ts';
import { CLOUD_NAMES, type CloudName } from '../domain/world.ts';
import type { Cloud } from '../ports.ts';
import { removalWaves } from '../resources/index.ts';
import type { Doomed, Mark, Removal } from '../resources/removal.ts';
import { present } from '../resources/resource-type.ts';
import type { Project } from '../resources/tenant.ts';
import type { User } from '../resources/user.ts';

/** What goes last: as long as anything belongs to a project, its name is how that is known. */
const IDENTITY = ['user', 'group', 'role', 'tenant', 'domain'];

export interface Wave {
  number: number;
  type: string;
  removal: Removal;
  /** True for what others belong to. */
  isIdentity: boolean;
}

/** Every type that a reset takes away, with the number of its wave. */
export const WAVES: readonly Wave[] = removalWaves.flatMap((line, number) =>
  line.flatMap(({ type, removal }) =>
    removal ? [{ number, type, removal, isIdentity: IDENTITY.includes(type) }] : [],
  ),
);

export interface Found extends Doomed {
  type: string;
  wave: number;
}

const markOf = async (cloud: Cloud, prefix: string): Promise<Mark> => {
  const bears: Mark['bears'] = (name) => name?.startsWith(prefix) ?? false;
  const ids = new Set<string>();
  const projects = cloud.list<Project>('identity', '/projects', 'projects');
  for await (const { id, name, is_domain } of projects) if (!is_domain && bears(name)) ids.add(id);
  return { bears, owns: (id) => Boolean(id) && ids.has(id ?? '') };
};

/**
 * What bears the prefix by its own name or belongs to a project that does, in the order in which it
 * would go.
 * @param wanted which types are looked for
 */
export const survey = async (
  cloud: Cloud,
  prefix: string,
  wanted: (wave: Wave) => boolean = () => true,
): Promise<Found[]> => {
  const mark = await markOf(cloud, prefix);
  const found = new Map<string, Found>();
  for (const { type, number: wave, removal } of WAVES.filter(wanted))
    for await (const one of removal.find(cloud, mark))
      found.set(`${type}:${one.id}`, { ...one, type, wave });
  return [...found.values()];
};

/** Roles and groups that every cloud has, whatever it is used for. */
const USUAL = ['admin', 'manager', 'member', 'reader', 'service', 'default', 'Default'];

const serviceUsers = async (cloud: Cloud, projectId: string): Promise<string[]> => {
  const query = { 'scope.project.id': projectId, include_names: true };
  const held = cloud.list<{ user?: { name?: string } }>(
    'identity',
    '/role_assignments',
    'role_assignments',
    { query },
  );
  const names: string[] = [];
  for await (const { user } of held) if (user?.name) names.push(user.name);
  return names;
};

/** The names of what the cloud and Pumphouse itself cannot do without. */
const namesNeeded = async (cloud: Cloud): Promise<string[]> => {
  const { userId, projectId, roles } = await cloud.self();
  const own = await present(cloud.get<{ user: User }>('identity', `/users/${userId}`));
  const names = [...USUAL, ...roles, ...(own ? [own.user.name] : [])];
  for await (const { id, name } of cloud.list<Project>('identity', '/projects', 'projects')) {
    if (id === projectId) names.push(name);
    if (name !== 'service' && name !== 'services') continue;
    names.push(name, ...(await serviceUsers(cloud, id)));
  }
  return names;
};

/**
 * Refuses a prefix that OpenStack's own services, every cloud's usual names, or the user and project
 * that Pumphouse acts as would bear.
 * @throws InvalidRequest
 */
export const refuseUnsafe = async (cloud: Cloud, prefix: string): Promise<void> => {
  const needed = (await namesNeeded(cloud)).find((name) => name.startsWith(prefix));
  if (needed === undefined) return;
  const said = `${needed} bears the prefix ${prefix} in the ${cloud.name}, which cannot do without it; take another prefix`;
  throw new PumphouseError('InvalidRequest', said, { details: { unprocessable: true } });
};

/** The configured clouds by name, in the order in which their ends are told. */
export const namedClouds = (clouds: Partial<Record<CloudName, Cloud>>): Cloud[] =>
  CLOUD_NAMES.flatMap((name) => clouds[name] ?? []);
