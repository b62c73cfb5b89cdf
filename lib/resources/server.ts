import type { Reference } from '../domain/plan.ts';
import type { Cloud } from '../ports.ts';
import type { EmbeddedFlavor } from './flavor.ts';
import { marked } from './removal.ts';
import { all, present, type ResourceType, viewOf } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/compute/#show-server-details, as an administrator sees it. */
export interface Server {
  id: string;
  name: string;
  status: string;
  tenant_id: string;
  user_id: string;
  description?: string | null;
  key_name: string | null;
  metadata: Record<string, string>;
  tags?: string[];
  config_drive: string;
  flavor: EmbeddedFlavor;
  /** An empty string when the server was booted from a volume. */
  image: { id: string } | '';
  locked?: boolean;
  addresses: Record<string, ServerAddress[]>;
  fault?: { message: string };
  'OS-EXT-STS:task_state': string | null;
  'OS-EXT-STS:vm_state': string;
  'OS-EXT-SRV-ATTR:hypervisor_hostname'?: string | null;
  'OS-EXT-SRV-ATTR:host'?: string | null;
  'OS-EXT-SRV-ATTR:hostname'?: string;
  'OS-EXT-SRV-ATTR:user_data'?: string | null;
  'os-extended-volumes:volumes_attached': { id: string }[];
}

export interface ServerAddress {
  addr: string;
  version: number;
  'OS-EXT-IPS:type': 'fixed' | 'floating';
  'OS-EXT-IPS-MAC:mac_addr': string;
}

/** Server metadata by which a server is known as Pumphouse's own after a lost answer. */
export const SOURCE_MARK = 'pumphouse_source_id';
export const OPERATION_MARK = 'pumphouse_operation';

/** States from which a server can be moved; any other is reported and the server left alone. */
export const MOVABLE = ['ACTIVE', 'PAUSED', 'SUSPENDED', 'SHUTOFF'];

const servers = (cloud: Cloud, query = {}) =>
  cloud.list<Server>('compute', '/servers/detail', 'servers', {
    query: { all_tenants: true, ...query },
  });

/** @throws ResourceNotFound */
export const getServer = async (cloud: Cloud, id: string): Promise<Server> =>
  (await cloud.get<{ server: Server }>('compute', `/servers/${id}`)).server;

/**
 * A server. It stands in the plan like everything else, but a state machine of its own moves it
 * (`stepfunctions/migrate-server`), so `create` is never called.
 */
export const server: ResourceType<Server> = {
  type: 'server',
  scope: 'tenant',
  id: ({ id }) => id,
  label: ({ name }) => name,

  discover: ({ source, tenantId }) => all(servers(source, { project_id: tenantId })),
  get: getServer,

  needs: ({ flavor, user_id, key_name, image }): Reference[] => [
    { type: 'flavor', id: flavor.original_name },
    ...(image === '' ? [] : [{ type: 'image', id: image.id }]),
    ...(key_name ? [{ type: 'keypair', id: `${user_id}/${key_name}` }] : []),
  ],

  async find({ destination, ids, tenantId }, { id }) {
    const project_id = ids.maybe('tenant', tenantId);
    if (!project_id) return [];
    const found = await all(servers(destination, { project_id }));
    return found
      .filter(({ metadata }) => metadata[SOURCE_MARK] === id)
      .map((body) => ({ id: body.id, body }));
  },

  differences: () => [],
  create: () => Promise.reject(new Error('servers are moved by their own state machine')),
  event: ({ name }) => ({ name }),

  obstacles: (body) => [
    ...(body.image === '' ? ['it was booted from a volume'] : []),
    ...(body['os-extended-volumes:volumes_attached'].length > 0
      ? ['volumes are attached to it']
      : []),
    ...(body.flavor.ephemeral > 0 ? ['its ephemeral disk cannot be read by API'] : []),
  ],

  losses: ({ status, locked }) => [
    'its user becomes the user Pumphouse acts as',
    'its id, and with it the cloud-init instance id: first-boot scripts run again',
    ...(['PAUSED', 'SUSPENDED'].includes(status) ? ['the contents of its memory'] : []),
    ...(locked ? ['its lock'] : []),
  ],

  world: {
    type: 'server',
    list: (cloud) => servers(cloud),
    id: ({ id }) => id,
    view: ({ name, image, tenant_id, ...body }) =>
      viewOf({
        name,
        image_id: image === '' ? undefined : image.id,
        tenant_id,
        host_name: body['OS-EXT-SRV-ATTR:hypervisor_hostname'],
      }),
    observed: ({ status }) => (status === 'ERROR' ? 'error' : undefined),
  },

  removal: {
    event: 'server terminate',
    find: (cloud, mark) =>
      marked(servers(cloud), mark, ({ id, name, tenant_id: project, ...body }) => {
        const host = body['OS-EXT-SRV-ATTR:hypervisor_hostname'];
        return { id, name, project, ...(host && { told: { host_name: host } }) };
      }),
    remove: (cloud, id) => cloud.delete('compute', `/servers/${id}`),
    async gone(cloud, id) {
      const left = await present(getServer(cloud, id));
      // Kept for a while where Nova is told to (reclaim_instance_interval), with its ports and disks.
      if (left?.status === 'SOFT_DELETED')
        await cloud.post('compute', `/servers/${id}/action`, { forceDelete: null });
      return left === undefined || left.status === 'DELETED';
    },
  },
};
