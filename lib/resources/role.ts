import { assignment } from './assignment.ts';
import { marked } from './removal.ts';
import { all, type ResourceType, viewOf } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/identity/v3/#roles */
export interface Role {
  id: string;
  name: string;
  domain_id: string | null;
  description?: string | null;
}

/** A role that somebody has in the tenant. Role names are the cloud's: one of the same name is taken as it is. */
export const role: ResourceType<Role> = {
  type: 'role',
  scope: 'cloud',
  created: 'role created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  discover({ source, found }) {
    const ids = found(assignment).map((body) => body.role.id);
    return Promise.all([...new Set(ids)].map((id) => role.get(source, id)));
  },

  get: async (source, id) => (await source.get<{ role: Role }>('identity', `/roles/${id}`)).role,

  needs: ({ domain_id }) => (domain_id ? [{ type: 'domain', id: domain_id }] : []),

  async find({ destination, ids }, { name, domain_id }) {
    const domain = domain_id ? ids.maybe('domain', domain_id) : null;
    if (domain === undefined) return [];
    const query = { name, ...(domain && { domain_id: domain }) };
    const roles = await all(destination.list<Role>('identity', '/roles', 'roles', { query }));
    return roles.filter((body) => body.domain_id === domain).map((body) => ({ id: body.id, body }));
  },

  differences: () => [],

  async create({ destination, ids }, { name, description, domain_id }) {
    const role = {
      name,
      ...(description && { description }),
      ...(domain_id && { domain_id: ids.of('domain', domain_id) }),
    };
    const made = await destination.post<{ role: Role }>('identity', '/roles', { role });
    return made.role.id;
  },

  event: ({ name }) => ({ name }),

  world: {
    type: 'role',
    list: (cloud) => cloud.list<Role>('identity', '/roles', 'roles'),
    id: ({ id }) => id,
    view: ({ name }) => viewOf({ name }),
  },

  removal: {
    event: 'role delete',
    find: (cloud, mark) =>
      marked(cloud.list<Role>('identity', '/roles', 'roles'), mark, ({ id, name }) => ({
        id,
        name,
      })),
    remove: (cloud, id) => cloud.delete('identity', `/roles/${id}`),
  },
};
