/** Servers, their volumes and their addresses. */
import { PumphouseError } from '../domain/errors.ts';
import type {
  Workload,
  WorkloadServer,
  WorkloadTenant,
  WorkloadVolume,
} from '../domain/workload.ts';
import { type FloatingIp, floatingIps } from '../resources/floating-ip.ts';
import { ports } from '../resources/port.ts';
import { all, present } from '../resources/resource-type.ts';
import { getServer, type Server } from '../resources/server.ts';
import type { Volume } from '../resources/volume.ts';
import type { Ground, Step } from './step.ts';
import { externalNetwork } from './surroundings.ts';

const failed = (what: string, label: string, why: string) =>
  new PumphouseError('ResourceFailed', `${what} ${label}: ${why}`);

const getVolume = async (ground: Ground, tenant: string, id: string) =>
  (await ground.within(tenant).get<{ volume: Volume }>('volumev3', `/volumes/${id}`)).volume;

const volumeStep = (label: string, tenant: string, { name, size }: WorkloadVolume): Step => ({
  ...{ type: 'volume', key: `${tenant}/${name}`, label, wave: 2 },
  async find(ground) {
    const listed = ground
      .within(tenant)
      .list<Volume>('volumev3', '/volumes/detail', 'volumes', { query: { name: label } });
    return (await all(listed)).find((one) => one.name === label)?.id;
  },
  async make(ground) {
    const body = { volume: { name: label, size } };
    const made = await ground.within(tenant).post<{ volume: Volume }>('volumev3', '/volumes', body);
    return made.volume.id;
  },
  async pending(ground, id) {
    const { status } = await getVolume(ground, tenant, id);
    if (status.startsWith('error')) throw failed('volume', label, `it is in ${status}`);
    return ['available', 'in-use'].includes(status) ? undefined : `volume ${label} is ${status}`;
  },
  tell: ({ ids }, id) => [
    { name: 'volume create', data: { id, name: label, size, tenant_id: ids.of('tenant', tenant) } },
  ],
});

const bootRequest = ({ ids }: Ground, label: string, tenant: string, server: WorkloadServer) => ({
  server: {
    name: label,
    imageRef: ids.of('image', server.image),
    flavorRef: ids.of('flavor', server.flavor),
    networks: [{ uuid: ids.of('network', `${tenant}/${server.network}`) }],
  },
});

const serverStep = (label: string, tenant: string, server: WorkloadServer): Step => ({
  ...{ type: 'server', key: `${tenant}/${server.name}`, label, wave: 4 },
  /** Told by its name in its tenant, of which there is none before. */
  async find({ cloud, ids }) {
    const query = { all_tenants: true, project_id: ids.of('tenant', tenant) };
    const listed = cloud.list<Server>('compute', '/servers/detail', 'servers', { query });
    return (await all(listed)).find(({ name }) => name === label)?.id;
  },
  async make(ground) {
    const body = bootRequest(ground, label, tenant, server);
    const scope = ground.within(tenant);
    return (await scope.post<{ server: Server }>('compute', '/servers', body)).server.id;
  },
  async pending({ cloud }, id) {
    const { status, fault } = await getServer(cloud, id);
    if (status === 'ERROR') throw failed('server', label, fault?.message ?? 'it is in ERROR');
    return status === 'ACTIVE' ? undefined : `server ${label} is ${status}`;
  },
  async tell({ cloud, ids }, id) {
    const { tenant_id, image, ...body } = await getServer(cloud, id);
    const host_name = body['OS-EXT-SRV-ATTR:hypervisor_hostname'];
    const image_id = image === '' ? ids.of('image', server.image) : image.id;
    const data = { id, name: label, tenant_id, image_id, ...(host_name && { host_name }) };
    return [{ name: 'server boot', data: { ...data, status: 'active' } }];
  },
});

const attachStep = (label: string, tenant: string, server: string, volume: string): Step => {
  const path = ({ ids }: Ground) =>
    `/servers/${ids.of('server', `${tenant}/${server}`)}/os-volume_attachments`;
  const volumeId = ({ ids }: Ground) => ids.of('volume', `${tenant}/${volume}`);
  return {
    ...{ type: 'attachment', key: `${tenant}/${volume}`, label, wave: 5 },
    async find(ground) {
      const id = volumeId(ground);
      const known = ground.within(tenant).get('compute', `${path(ground)}/${id}`);
      return (await present(known)) ? id : undefined;
    },
    async make(ground) {
      const body = { volumeAttachment: { volumeId: volumeId(ground) } };
      await ground.within(tenant).post('compute', path(ground), body);
      return volumeId(ground);
    },
    async pending(ground, id) {
      const { status } = await getVolume(ground, tenant, id);
      return status === 'in-use' ? undefined : `volume ${label} is ${status}`;
    },
    tell: ({ ids }, id) => [
      { name: 'volume attach', data: { id, server_id: ids.of('server', `${tenant}/${server}`) } },
    ],
  };
};

interface Address {
  tenant: string;
  key: string;
  /** The server that it leads to, by its key. */
  server?: string;
  external?: string;
}

const addressOf = async ({ cloud }: Ground, id: string) =>
  (await cloud.get<{ floatingip: FloatingIp }>('network', `/v2.0/floatingips/${id}`)).floatingip;

/** Floating IPs have no names, so this one's description says whose it is. */
const addressStep = (label: string, { tenant, key, server, external }: Address): Step => ({
  ...{ type: 'floating_ip', key, label, wave: 5 },
  async find({ cloud, ids }) {
    const query = { project_id: ids.of('tenant', tenant) };
    const listed = await all(floatingIps.list(cloud, query));
    return listed.find(({ description }) => description === label)?.id;
  },
  async make({ cloud, ids }) {
    const floating_network_id = await externalNetwork(cloud, external);
    const device_id = server && ids.of('server', server);
    const [port] = device_id ? await all(ports.list(cloud, { device_id })) : [];
    const body = { floating_network_id, description: label, project_id: ids.of('tenant', tenant) };
    return (await floatingIps.create(cloud, { ...body, ...(port && { port_id: port.id }) })).id;
  },
  async tell(ground, id) {
    const { floating_ip_address: address } = await addressOf(ground, id);
    const tenant_id = ground.ids.of('tenant', tenant);
    const created = {
      name: 'floating_ip created',
      data: { id: address, address, tenant_id },
    } as const;
    if (!server) return [created];
    const data = { id: address, server_id: ground.ids.of('server', server) };
    return [created, { name: 'floating_ip assigned', data }];
  },
});

const tenantSteps = (
  { name: tenant, servers, volumes, floating_ips: spare }: WorkloadTenant,
  named: (name: string) => string,
  external: string | undefined,
): Step[] => [
  ...[...volumes, ...servers.flatMap((server) => server.volumes)].map((volume) =>
    volumeStep(named(volume.name), tenant, volume),
  ),
  ...servers.flatMap((server) => [
    serverStep(named(server.name), tenant, server),
    ...server.volumes.map(({ name }) => attachStep(named(name), tenant, server.name, name)),
  ]),
  ...[
    ...servers.flatMap(({ name, floating_ip }) => (floating_ip ? [name] : [])),
    ...Array.from({ length: spare }, () => undefined),
  ].map((server, at) => {
    const key = `${tenant}/${at + 1}`;
    const leads = server ? { server: `${tenant}/${server}` } : {};
    const more = { ...leads, ...(external && { external }) };
    return addressStep(named(`${tenant}-address-${at + 1}`), { tenant, key, ...more });
  }),
];

/** Every server of a workload and what hangs on it. */
export const machineSteps = (
  { tenants, external_network }: Workload,
  named: (name: string) => string,
): Step[] => tenants.flatMap((tenant) => tenantSteps(tenant, named, external_network));
