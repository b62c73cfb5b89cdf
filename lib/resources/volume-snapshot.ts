import { marked, type Removal } from './removal.ts';
import { present } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/block-storage/v3/#list-snapshots-and-details */
interface VolumeSnapshot {
  id: string;
  name: string | null;
  'os-extended-snapshot-attributes:project_id'?: string;
}

/** Snapshots of volumes; no volume goes before its own. */
export const volumeSnapshot: { readonly type: 'volume_snapshot'; readonly removal: Removal } = {
  type: 'volume_snapshot',

  removal: {
    event: 'volume snapshot delete',
    async *find(cloud, mark) {
      if (!(await cloud.offers('volumev3'))) return;
      const path = '/snapshots/detail';
      const query = { all_tenants: true };
      const found = cloud.list<VolumeSnapshot>('volumev3', path, 'snapshots', { query });
      yield* marked(found, mark, ({ id, name, ...body }) => {
        return { id, name, project: body['os-extended-snapshot-attributes:project_id'] };
      });
    },
    remove: (cloud, id) => cloud.delete('volumev3', `/snapshots/${id}`),
    gone: async (cloud, id) =>
      (await present(cloud.get('volumev3', `/snapshots/${id}`))) === undefined,
  },
};
