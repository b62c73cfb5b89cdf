import type { Cloud } from '../ports.ts';
import { marked } from './removal.ts';
import { all, differing, type ResourceType, viewOf } from './resource-type.ts';
import { server } from './server.ts';

/** https://docs.openstack.org/api-ref/compute/#flavors */
export interface Flavor {
  id: string;
  name: string;
  description?: string | null;
  vcpus: number;
  /** MiB. */
  ram: number;
  /** GiB. */
  disk: number;
  /** GiB. */
  'OS-FLV-EXT-DATA:ephemeral': number;
  /** MiB; before microversion 2.75 an empty string stands for 0. */
  swap: number | '';
  rxtx_factor?: number;
  'os-flavor-access:is_public': boolean;
  extra_specs?: Record<string, string>;
}

const SIZES = ['vcpus', 'ram', 'disk', 'OS-FLV-EXT-DATA:ephemeral'] as const;

const flavors = (cloud: Cloud) =>
  cloud.list<Flavor>('compute', '/flavors/detail', 'flavors', { query: { is_public: 'None' } });

/** The size of a server. Shared by the whole cloud and matched by its name, which Nova keeps unique. */
export const flavor: ResourceType<Flavor> = {
  type: 'flavor',
  scope: 'cloud',
  created: 'flavor created',
  id: ({ name }) => name,
  label: ({ name }) => name,

  async discover({ source, found }) {
    const used = new Map(found(server).map((one) => [one.flavor.original_name, one.flavor]));
    const known = (await all(flavors(source))).filter(({ name }) => used.has(name));
    for (const { name } of known) used.delete(name);
    return [...known, ...[...used.values()].map(fromServer)];
  },

  async get(source, name) {
    const known = (await all(flavors(source))).find((one) => one.name === name);
    if (known) return known;
    const servers = source.list<{ flavor: EmbeddedFlavor }>(
      'compute',
      '/servers/detail',
      'servers',
      {
        query: { all_tenants: true },
      },
    );
    const bearer = (await all(servers)).find((one) => one.flavor.original_name === name);
    if (bearer) return fromServer(bearer.flavor);
    return source.get<Flavor>('compute', `/flavors/${name}`);
  },

  // A private one is opened to the tenant, which must be there.
  needs: (body, tenantId) =>
    body['os-flavor-access:is_public'] ? [] : [{ type: 'tenant', id: tenantId }],

  async find({ destination }, { name }) {
    const known = (await all(flavors(destination))).filter((one) => one.name === name);
    return known.map((body) => ({ id: body.id, body }));
  },

  differences: (mine, theirs) => [
    ...differing(mine, theirs, SIZES),
    ...(Number(mine.swap || 0) === Number(theirs.swap || 0) ? [] : ['swap']),
    ...differing({ specs: mine.extra_specs ?? {} }, { specs: theirs.extra_specs ?? {} }, ['specs']),
  ],

  async create({ destination }, body) {
    const { name, description, vcpus, ram, disk, rxtx_factor } = body;
    const flavor = {
      ...{ name, vcpus, ram, disk, swap: Number(body.swap || 0) },
      ...(description && { description }),
      ...(rxtx_factor && { rxtx_factor }),
      'OS-FLV-EXT-DATA:ephemeral': body['OS-FLV-EXT-DATA:ephemeral'],
      'os-flavor-access:is_public': body['os-flavor-access:is_public'],
    };
    const made = await destination.post<{ flavor: Flavor }>('compute', '/flavors', { flavor });
    return made.flavor.id;
  },

  async settle({ destination, ids, tenantId }, body, id) {
    if (Object.keys(body.extra_specs ?? {}).length > 0) {
      const path = `/flavors/${id}/os-extra_specs`;
      await destination.post('compute', path, { extra_specs: body.extra_specs });
    }
    if (body['os-flavor-access:is_public']) return;
    const tenant = ids.of('tenant', tenantId);
    const listed = await destination.get<{ flavor_access: { tenant_id: string }[] }>(
      'compute',
      `/flavors/${id}/os-flavor-access`,
    );
    if (listed.flavor_access.some(({ tenant_id }) => tenant_id === tenant)) return;
    await destination.post('compute', `/flavors/${id}/action`, { addTenantAccess: { tenant } });
  },

  event: ({ name, vcpus, ram, disk }) => ({ name, vcpus, ram, disk }),

  world: {
    type: 'flavor',
    list: flavors,
    id: ({ id }) => id,
    view: ({ name, vcpus, ram, disk }) => viewOf({ name, vcpus, ram, disk }),
  },

  removal: {
    event: 'flavor delete',
    find: (cloud, mark) => marked(flavors(cloud), mark, ({ id, name }) => ({ id, name })),
    remove: (cloud, id) => cloud.delete('compute', `/flavors/${id}`),
  },
};

/** What a server shows of its flavor since microversion 2.47: all but its id, even after it was deleted. */
export interface EmbeddedFlavor {
  original_name: string;
  vcpus: number;
  ram: number;
  disk: number;
  ephemeral: number;
  swap: number;
  extra_specs?: Record<string, string>;
}

/** A flavor that was deleted while servers still run on it, rebuilt from what one of them shows. */
const fromServer = ({ original_name: name, ephemeral, ...sizes }: EmbeddedFlavor): Flavor => ({
  ...{ id: name, name, ...sizes },
  'OS-FLV-EXT-DATA:ephemeral': ephemeral,
  'os-flavor-access:is_public': false,
});
