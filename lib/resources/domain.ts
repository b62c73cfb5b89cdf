import { PumphouseError } from '../domain/errors.ts';
import { marked } from './removal.ts';
import { all, present, type ResourceType, viewOf } from './resource-type.ts';
import { tenant } from './tenant.ts';
import { user } from './user.ts';

/** https://docs.openstack.org/api-ref/identity/v3/#domains */
export interface Domain {
  id: string;
  name: string;
  description: string;
  enabled: boolean;
}

/** What a domain would take along: Keystone deletes all of it without asking. */
const HOLDS = ['projects', 'users', 'groups'] as const;

/** Where projects and users have their names; shared, so one with the same name is taken as it is. */
export const domain: ResourceType<Domain> = {
  type: 'domain',
  scope: 'cloud',
  created: 'domain created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  discover({ source, found }) {
    const ids = [...found(tenant), ...found(user)].map(({ domain_id }) => domain_id);
    return Promise.all([...new Set(ids)].map((id) => domain.get(source, id)));
  },

  get: async (source, id) =>
    (await source.get<{ domain: Domain }>('identity', `/domains/${id}`)).domain,

  needs: () => [],

  async find({ destination }, { name }) {
    const domains = destination.list<Domain>('identity', '/domains', 'domains', {
      query: { name },
    });
    return (await all(domains)).map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs) => (mine.enabled === theirs.enabled ? [] : ['enabled']),

  async create({ destination }, { name, description, enabled }) {
    const body = { domain: { name, description, enabled } };
    const made = await destination.post<{ domain: Domain }>('identity', '/domains', body);
    return made.domain.id;
  },

  event: ({ name }) => ({ name }),

  world: {
    type: 'domain',
    list: (cloud) => cloud.list<Domain>('identity', '/domains', 'domains'),
    id: ({ id }) => id,
    view: ({ name, description }) => viewOf({ name, description }),
  },

  removal: {
    event: 'domain delete',
    find: (cloud, mark) =>
      marked(cloud.list<Domain>('identity', '/domains', 'domains'), mark, ({ id, name }) => ({
        id,
        name,
      })),
    /** Disabled first, as Keystone wants it; one that holds anything is left as it is. */
    async remove(cloud, id) {
      for (const what of HOLDS) {
        const query = { domain_id: id };
        for await (const { name } of cloud.list<Domain>('identity', `/${what}`, what, { query })) {
          const said = `domain ${id} still holds ${name} of its ${what}, which would go with it`;
          throw new PumphouseError('ResourceConflict', said);
        }
      }
      const known = await present(domain.get(cloud, id));
      if (!known) return;
      const path = `/domains/${id}`;
      if (known.enabled) await cloud.patch('identity', path, { domain: { enabled: false } });
      await cloud.delete('identity', path);
    },
  },
};
