import type { Cloud } from '../ports.ts';
import { marked } from './removal.ts';
import { all, differing, present, type ResourceType, viewOf } from './resource-type.ts';
import { server } from './server.ts';

/** https://docs.openstack.org/api-ref/image/v2/#images; further keys are the image's properties. */
export interface Image {
  id: string;
  name: string | null;
  status: string;
  owner: string | null;
  visibility: 'public' | 'private' | 'shared' | 'community';
  disk_format: string | null;
  container_format: string | null;
  /** GiB. */
  min_disk: number;
  /** MiB. */
  min_ram: number;
  protected: boolean;
  os_hidden?: boolean;
  /** Bytes; null while the image has none. */
  size: number | null;
  tags: string[];
  os_hash_algo: string | null;
  os_hash_value: string | null;
  checksum: string | null;
  [property: string]: unknown;
}

/** What Glance sets by itself or forbids to set, and what a snapshot leaves behind that means nothing elsewhere. */
const NOT_CARRIED = new Set(
  (
    'id status owner visibility size virtual_size checksum os_hash_algo os_hash_value created_at updated_at ' +
    'file self schema stores direct_url locations base_image_ref image_location image_state image_type ' +
    'instance_uuid owner_id owner_project_name owner_user_name user_id clean_attempts ' +
    'boot_roles'
  ).split(' '),
);

/** The record of an image as it is to be made for another owner elsewhere: without bytes, id and residue. */
export const recordOf = (image: Image, owner: string): Record<string, unknown> => {
  const kept = Object.entries(image).filter(
    ([key, value]) => !NOT_CARRIED.has(key) && !key.startsWith('os_glance_') && value !== null,
  );
  const visibility = image.visibility === 'shared' ? 'private' : image.visibility;
  return { ...Object.fromEntries(kept), visibility, owner };
};

export const getImage = (cloud: Cloud, id: string): Promise<Image> =>
  cloud.get<Image>('image', `/v2/images/${id}`);

const images = (cloud: Cloud, query = {}) =>
  cloud.list<Image>('image', '/v2/images', 'images', { query });

const unprotect = (cloud: Cloud, id: string) =>
  cloud.patch('image', `/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: false }]);

const FIELDS = ['disk_format', 'container_format', 'min_disk', 'min_ram', 'size'] as const;

/**
 * An image of the tenant. The record is made with everything else, its bytes are copied afterwards
 * (`stepfunctions/migrate-tenant/tasks/copy-image.ts`), so right after `create` it is `queued`.
 */
export const image: ResourceType<Image> = {
  type: 'image',
  scope: 'tenant',
  shared: ({ owner }, tenantId) => owner !== tenantId,
  created: 'image created',
  id: ({ id }) => id,
  label: ({ name, id }) => name ?? id,

  async discover({ source, tenantId, strategy, found }) {
    const listings = [{ owner: tenantId }, { owner: tenantId, os_hidden: true }];
    const listed = await Promise.all(listings.map((query) => all(images(source, query))));
    const own = listed.flat().filter(({ owner }) => owner === tenantId);
    if (strategy !== 'image') return own;
    const booted = found(server).flatMap(({ image }) => (image === '' ? [] : [image.id]));
    const others = new Set(booted).difference(new Set(own.map(({ id }) => id)));
    return [...own, ...(await Promise.all([...others].map((id) => getImage(source, id))))];
  },

  get: getImage,
  needs: ({ owner }) => (owner ? [{ type: 'tenant', id: owner }] : []),

  async find({ destination, ids, tenantId }, body) {
    const shared = body.owner !== tenantId;
    const owner = ids.maybe('tenant', tenantId);
    if (body.name === null || (!shared && !owner)) return [];
    const whose = shared ? { visibility: 'public' } : { owner };
    const found = await all(images(destination, { ...whose, name: body.name }));
    const { projectId } = await destination.self();
    const isSame = (one: Image) =>
      one.os_hash_value === body.os_hash_value ||
      (one.status === 'queued' && one.owner === projectId);
    const same = shared ? found.filter(isSame) : found;
    return same.map((one) => ({ id: one.id, body: one }));
  },

  differences: (mine, theirs) => [
    ...differing(mine, theirs, theirs.status === 'queued' ? FIELDS.slice(0, 4) : FIELDS),
    ...(theirs.os_hash_algo === mine.os_hash_algo && theirs.os_hash_value !== mine.os_hash_value
      ? ['os_hash_value']
      : []),
  ],

  async create({ destination, ids, tenantId }, body) {
    const { projectId } = await destination.self();
    const owner = body.owner === tenantId ? ids.of('tenant', tenantId) : projectId;
    const record = recordOf(body, owner);
    return (await destination.post<Image>('image', '/v2/images', record)).id;
  },

  event: ({ name }) => ({ name: name ?? '' }),

  obstacles: (body) => [
    ...(body.status !== 'active' ? [`it is ${body.status}, not active`] : []),
    ...(body.size === 0 ? ['it has no bytes of its own: it stands for volume snapshots'] : []),
    ...(body.kernel_id || body.ramdisk_id ? ['it needs a kernel and a ramdisk image'] : []),
  ],

  losses: ({ visibility }) => (visibility === 'shared' ? ['whom it is shared with'] : []),

  world: {
    type: 'image',
    list: (cloud) => images(cloud),
    id: ({ id }) => id,
    view: ({ name, owner }) => viewOf({ name, tenant_id: owner }),
    observed: ({ status }) => (['killed', 'deleted'].includes(status) ? 'error' : undefined),
  },

  removal: {
    event: 'image delete',
    async *find(cloud, mark) {
      for (const query of [{}, { os_hidden: true }]) {
        const found = images(cloud, query);
        yield* marked(found, mark, ({ id, name, owner }) => ({ id, name, project: owner }));
      }
    },
    async remove(cloud, id) {
      const known = await present(getImage(cloud, id));
      if (known?.protected) await unprotect(cloud, id);
      await cloud.delete('image', `/v2/images/${id}`);
    },
  },
};
