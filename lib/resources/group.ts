import type { Cloud } from '../ports.ts';
import { assignment } from './assignment.ts';
import { marked } from './removal.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';
import type { User } from './user.ts';

/** https://docs.openstack.org/api-ref/identity/v3/#groups */
export interface Group {
  id: string;
  name: string;
  domain_id: string;
  description: string;
}

/** The users of a group. */
export const groupMembers = (cloud: Cloud, id: string): Promise<User[]> =>
  all(cloud.list<User>('identity', `/groups/${id}/users`, 'users'));

/** A group of users with a role in the tenant, and its members. */
export const group: ResourceType<Group> = {
  type: 'group',
  scope: 'tenant',
  created: 'group created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  discover({ source, found }) {
    const ids = found(assignment).flatMap(({ group }) => (group ? [group.id] : []));
    return Promise.all([...new Set(ids)].map((id) => group.get(source, id)));
  },

  get: async (source, id) =>
    (await source.get<{ group: Group }>('identity', `/groups/${id}`)).group,

  needs: ({ domain_id }) => [{ type: 'domain', id: domain_id }],

  async find({ destination, ids }, { name, domain_id }) {
    const domain = ids.maybe('domain', domain_id);
    if (!domain) return [];
    const query = { name, domain_id: domain };
    const groups = await all(destination.list<Group>('identity', '/groups', 'groups', { query }));
    return groups.map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs) => differing(mine, theirs, ['description']),

  async create({ destination, ids }, { name, description, domain_id }) {
    const body = { group: { name, description, domain_id: ids.of('domain', domain_id) } };
    const made = await destination.post<{ group: Group }>('identity', '/groups', body);
    return made.group.id;
  },

  event: ({ name }) => ({ name }),

  world: {
    type: 'group',
    list: (cloud) => cloud.list<Group>('identity', '/groups', 'groups'),
    id: ({ id }) => id,
    view: ({ name }) => viewOf({ name }),
  },

  removal: {
    event: 'group delete',
    find: (cloud, mark) =>
      marked(cloud.list<Group>('identity', '/groups', 'groups'), mark, ({ id, name }) => ({
        id,
        name,
      })),
    remove: (cloud, id) => cloud.delete('identity', `/groups/${id}`),
  },
};
