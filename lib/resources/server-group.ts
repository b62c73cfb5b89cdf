import { marked, type Removal } from './removal.ts';

/** https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups */
interface ServerGroup {
  id: string;
  name: string;
  project_id?: string;
}

/** Groups of servers that are to be together or apart. */
export const serverGroup: { readonly type: 'server_group'; readonly removal: Removal } = {
  type: 'server_group',

  removal: {
    event: 'server group delete',
    find(cloud, mark) {
      const query = { all_projects: true };
      const path = '/os-server-groups';
      const found = cloud.list<ServerGroup>('compute', path, 'server_groups', { query });
      return marked(found, mark, ({ id, name, project_id: project }) => ({ id, name, project }));
    },
    remove: (cloud, id) => cloud.delete('compute', `/os-server-groups/${id}`),
  },
};
