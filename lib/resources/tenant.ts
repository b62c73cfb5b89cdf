import type { Reference } from '../domain/plan.ts';
import type { Cloud } from '../ports.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/identity/v3/#projects */
export interface Project {
  id: string;
  name: string;
  description: string;
  domain_id: string;
  enabled: boolean;
  is_domain: boolean;
  tags: string[];
}

const projects = (cloud: Cloud, query = {}) =>
  cloud.list<Project>('identity', '/projects', 'projects', { query });

/**
 * The tenant itself: a project, matched by its domain and name. A namesake may be a stranger, and
 * merging two customers is the worst that can happen, so one that Pumphouse did not make is a conflict.
 */
export const tenant: ResourceType<Project> = {
  type: 'tenant',
  scope: 'tenant',
  created: 'tenant create',
  id: ({ id }) => id,
  label: ({ name }) => name,

  discover: async ({ source, tenantId }) => [await tenant.get(source, tenantId)],

  get: async (source, id) =>
    (await source.get<{ project: Project }>('identity', `/projects/${id}`)).project,

  needs: ({ domain_id }): Reference[] => [{ type: 'domain', id: domain_id }],

  async find({ destination, ids }, { name, domain_id }) {
    const domain = ids.maybe('domain', domain_id);
    if (!domain) return [];
    const found = await all(projects(destination, { name, domain_id: domain }));
    return found.map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs) => differing(mine, theirs, ['description', 'enabled', 'tags']),

  async create({ destination, ids }, { name, description, enabled, domain_id, tags }) {
    const project = { name, description, enabled, tags, domain_id: ids.of('domain', domain_id) };
    const made = await destination.post<{ project: Project }>('identity', '/projects', { project });
    return made.project.id;
  },

  event: ({ name, description }) => ({ name, description }),

  world: {
    type: 'tenant',
    async *list(cloud) {
      for await (const project of projects(cloud)) if (!project.is_domain) yield project;
    },
    id: ({ id }) => id,
    view: ({ name, description }) => viewOf({ name, description }),
  },

  removal: {
    event: 'tenant delete',
    async *find(cloud, mark) {
      for await (const { id, name, is_domain } of projects(cloud))
        if (!is_domain && mark.bears(name)) yield { id, name };
    },
    remove: (cloud, id) => cloud.delete('identity', `/projects/${id}`),
  },
};
