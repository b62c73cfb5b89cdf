import type { Cloud } from '../ports.ts';
import { assignment } from './assignment.ts';
import { groupMembers } from './group.ts';
import { marked } from './removal.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/identity/v3/#users */
export interface User {
  id: string;
  name: string;
  domain_id: string;
  enabled: boolean;
  email?: string;
  description?: string;
  default_project_id?: string;
}

/**
 * A user with a role in the tenant, directly or through a group. No API reads a password, so the
 * user is made without one. The user Pumphouse acts as is never brought over.
 */
export const user: ResourceType<User> = {
  type: 'user',
  scope: 'tenant',
  created: 'user created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  async discover({ source, found }) {
    const direct = found(assignment).flatMap(({ user }) => (user ? [user.id] : []));
    const groups = found(assignment).flatMap(({ group }) => (group ? [group.id] : []));
    const members = await Promise.all([...new Set(groups)].map((id) => groupMembers(source, id)));
    const { userId } = await source.self();
    const ids = new Set([...direct, ...members.flat().map(({ id }) => id)]);
    ids.delete(userId);
    return Promise.all([...ids].map((id) => user.get(source, id)));
  },

  get: async (source, id) => (await source.get<{ user: User }>('identity', `/users/${id}`)).user,

  needs: ({ domain_id, default_project_id }) => [
    { type: 'domain', id: domain_id },
    ...(default_project_id ? [{ type: 'tenant', id: default_project_id }] : []),
  ],

  async find({ destination, ids }, { name, domain_id }) {
    const domain = ids.maybe('domain', domain_id);
    if (!domain) return [];
    const users = await all(listUsers(destination, { name, domain_id: domain }));
    return users.map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs) => differing(mine, theirs, ['enabled', 'email', 'description']),

  async create({ destination, ids }, { name, domain_id, enabled, email, description, ...body }) {
    const home = body.default_project_id && ids.maybe('tenant', body.default_project_id);
    const user = {
      ...{ name, enabled, domain_id: ids.of('domain', domain_id) },
      ...(email !== undefined && { email }),
      ...(description !== undefined && { description }),
      ...(home && { default_project_id: home }),
    };
    const made = await destination.post<{ user: User }>('identity', '/users', { user });
    return made.user.id;
  },

  event: ({ name }) => ({ name }),
  losses: () => ['password, application credentials and trusts: the password has to be set anew'],

  world: {
    type: 'user',
    list: (cloud) => listUsers(cloud),
    id: ({ id }) => id,
    view: ({ name }) => viewOf({ name }),
  },

  removal: {
    event: 'user delete',
    find: (cloud, mark) => marked(listUsers(cloud), mark, ({ id, name }) => ({ id, name })),
    remove: (cloud, id) => cloud.delete('identity', `/users/${id}`),
  },
};

const listUsers = (cloud: Cloud, query = {}) =>
  cloud.list<User>('identity', '/users', 'users', { query });
