import type { Cloud } from '../ports.ts';
import { marked, type Removal } from './removal.ts';
import { present, viewOf, type WorldListing } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/block-storage/v3/#list-accessible-volumes-with-details */
export interface Volume {
  id: string;
  name: string | null;
  /** GiB. */
  size: number;
  status: string;
  'os-vol-tenant-attr:tenant_id'?: string;
  /** `host@backend#pool`, for administrators. */
  'os-vol-host-attr:host'?: string | null;
}

async function* volumes(cloud: Cloud): AsyncIterable<Volume> {
  if (!(await cloud.offers('volumev3'))) return;
  yield* cloud.list<Volume>('volumev3', '/volumes/detail', 'volumes', {
    query: { all_tenants: true },
  });
}

const hostName = (volume: Volume) => volume['os-vol-host-attr:host']?.split('@')[0];

/** Volumes as they stand in the world; a cloud without block storage has none. */
export const volume: {
  readonly type: 'volume';
  readonly world: WorldListing<Volume>;
  readonly removal: Removal;
} = {
  type: 'volume',

  world: {
    type: 'volume',
    list: volumes,
    id: ({ id }) => id,
    view: (body) =>
      viewOf({
        name: body.name,
        tenant_id: body['os-vol-tenant-attr:tenant_id'],
        size: body.size,
        host_name: hostName(body),
      }),
    observed: ({ status }) => (status.startsWith('error') ? 'error' : undefined),
  },

  removal: {
    event: 'volume delete',
    find: (cloud, mark) =>
      marked(volumes(cloud), mark, ({ id, name, ...body }) => {
        return { id, name, project: body['os-vol-tenant-attr:tenant_id'] };
      }),
    remove: (cloud, id) => cloud.delete('volumev3', `/volumes/${id}`),
    gone: async (cloud, id) =>
      (await present(cloud.get('volumev3', `/volumes/${id}`))) === undefined,
  },
};
