/** How a server looks from outside, at each microversion that changes something. */
import { createHash } from 'node:crypto';
import type { Fields, Server } from '../model.ts';
import { page } from '../paging.ts';
import { textOf } from '../reading.ts';
import { badRequest } from '../refusal.ts';
import { type Call, ok } from '../router.ts';
import { flavorRef } from './flavors.ts';
import { isUp } from './hosts.ts';

const SINCE = {
  extendedAttributes: 3,
  locked: 9,
  hostStatus: 16,
  description: 19,
  tags: 26,
  trusted: 63,
  lockedReason: 73,
};

export const bookmark = (call: Call, collection: string, id: string) => ({
  rel: 'bookmark',
  href: `${call.cloud.origin()}/compute/${collection}/${id}`,
});

export const selfLinks = (call: Call, collection: string, id: string) => [
  { rel: 'self', href: `${call.cloud.origin()}/compute/v2.1/${collection}/${id}` },
  bookmark(call, collection, id),
];

/** A page of a collection, with the link to the next one. */
export function collectionPage<T extends { id: string }>(
  call: Call,
  collection: string,
  all: T[],
  show: (call: Call, item: T) => Fields,
) {
  const { items, next } = page(call, all, (item) => item.id, {
    unknownMarker: (marker) => badRequest(`marker [${marker}] not found`),
    badLimit: (limit) =>
      badRequest(
        `Invalid input for query parameters limit. Value: ${limit}. '${limit}' does not match '^[0-9]*$'`,
      ),
  });
  const href = `${call.cloud.origin()}/compute/v2.1${call.path}?${next}`;
  return ok({
    [collection]: items.map((item) => show(call, item)),
    ...(next ? { [`${collection}_links`]: [{ rel: 'next', href }] } : {}),
  });
}

const STATUS: Record<string, string> = {
  active: 'ACTIVE',
  building: 'BUILD',
  stopped: 'SHUTOFF',
  paused: 'PAUSED',
  suspended: 'SUSPENDED',
  resized: 'VERIFY_RESIZE',
  error: 'ERROR',
  rescued: 'RESCUE',
  shelved: 'SHELVED',
  shelved_offloaded: 'SHELVED_OFFLOADED',
};

/** Nova derives the status from state and task. */
export function statusOf(server: Server): string {
  const task = server.task_state ?? '';
  if (task === 'migrating') return 'MIGRATING';
  if (task === 'resize_reverting') return 'REVERT_RESIZE';
  if (task.startsWith('resize_')) return 'RESIZE';
  if (task === 'rebooting') return 'REBOOT';
  return STATUS[server.vm_state] ?? 'UNKNOWN';
}

/** Addresses by network, in the order of the interfaces, with the floating ones behind their fixed one. */
export function addressesOf(call: Call, server: Server, extended = true): Fields {
  const { cloud } = call;
  const byNetwork: Record<string, Fields[]> = {};
  for (const id of server.ports) {
    const port = cloud.ports.get(id);
    const network = port && cloud.networks.get(port.network_id);
    if (!port || !network) continue;
    const entries = byNetwork[network.name] ?? [];
    byNetwork[network.name] = entries;
    const entry = (addr: string, type: string) => ({
      version: addr.includes(':') ? 6 : 4,
      addr,
      ...(extended ? { 'OS-EXT-IPS:type': type, 'OS-EXT-IPS-MAC:mac_addr': port.mac_address } : {}),
    });
    for (const fixed of port.fixed_ips) {
      entries.push(entry(fixed.ip_address, 'fixed'));
      const floating = cloud.floatingIps.where(
        (ip) => ip.port_id === port.id && ip.fixed_ip_address === fixed.ip_address,
      );
      entries.push(...floating.map((ip) => entry(ip.floating_ip_address, 'floating')));
    }
  }
  return byNetwork;
}

const hostIdOf = (server: Server) =>
  server.host
    ? createHash('sha224')
        .update(server.project_id + server.host)
        .digest('hex')
    : '';

const placement = (server: Server) => ({
  'OS-EXT-SRV-ATTR:host': server.host,
  'OS-EXT-SRV-ATTR:instance_name': server.host
    ? `instance-${server.number.toString(16).padStart(8, '0')}`
    : '',
  'OS-EXT-SRV-ATTR:hypervisor_hostname': server.host,
});

const extendedAttributes = (server: Server) => ({
  'OS-EXT-SRV-ATTR:reservation_id': server.reservation_id,
  'OS-EXT-SRV-ATTR:launch_index': 0,
  'OS-EXT-SRV-ATTR:hostname': hostnameOf(server.name),
  'OS-EXT-SRV-ATTR:kernel_id': '',
  'OS-EXT-SRV-ATTR:ramdisk_id': '',
  'OS-EXT-SRV-ATTR:root_device_name': server.host ? '/dev/sda' : null,
  'OS-EXT-SRV-ATTR:user_data': server.user_data,
});

export const hostnameOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 63);

function groupNames(call: Call, server: Server): Fields[] {
  const ids = server.ports.flatMap((id) => call.cloud.ports.get(id)?.security_groups ?? []);
  return [...new Set(ids)].flatMap((id) => {
    const group = call.cloud.table('security-group').get(id);
    return group ? [{ name: textOf(group.name) }] : [];
  });
}

export const imageRef = (call: Call, server: Server) =>
  server.image_id
    ? { id: server.image_id, links: [bookmark(call, 'images', server.image_id)] }
    : '';

const volumesOf = (call: Call, server: Server) =>
  server.volumes.map((volume) => ({
    id: volume.volume_id,
    ...(call.version >= SINCE.extendedAttributes
      ? { delete_on_termination: volume.delete_on_termination }
      : {}),
  }));

/** The fields that came with later microversions. */
function newer(call: Call, server: Server): Fields {
  const { version, who } = call;
  return {
    ...(version >= SINCE.locked ? { locked: server.locked } : {}),
    ...(version >= SINCE.lockedReason ? { locked_reason: server.locked_reason } : {}),
    ...(version >= SINCE.description ? { description: server.description } : {}),
    ...(version >= SINCE.tags ? { tags: server.tags } : {}),
    ...(version >= SINCE.trusted ? { trusted_image_certificates: null } : {}),
    ...(version >= SINCE.hostStatus && who.admin ? { host_status: hostStatus(call, server) } : {}),
  };
}

function hostStatus(call: Call, server: Server): string {
  const host = call.cloud.hosts.find((one) => one.name === server.host);
  if (!host) return '';
  if (!isUp(call.cloud, host)) return 'DOWN';
  return host.status === 'disabled' ? 'MAINTENANCE' : 'UP';
}

export function serverView(call: Call, server: Server): Fields {
  const { version, who } = call;
  const status = statusOf(server);
  const hasProgress = ['ACTIVE', 'BUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'].includes(status);
  return {
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.project_id,
    user_id: server.user_id,
    metadata: server.metadata,
    hostId: hostIdOf(server),
    image: imageRef(call, server),
    flavor: flavorRef(call, server.flavor),
    created: server.created,
    updated: server.updated,
    ...(server.fault && status === 'ERROR' ? { fault: faultOf(call, server) } : {}),
    addresses: server.host ? addressesOf(call, server) : {},
    accessIPv4: '',
    accessIPv6: '',
    links: selfLinks(call, 'servers', server.id),
    'OS-DCF:diskConfig': 'MANUAL',
    ...(hasProgress ? { progress: 0 } : {}),
    'OS-EXT-AZ:availability_zone': server.host ? server.zone : '',
    config_drive: server.config_drive ? 'True' : '',
    key_name: server.key_name,
    'OS-SRV-USG:launched_at': server.launched_at,
    'OS-SRV-USG:terminated_at': null,
    ...(who.admin ? placement(server) : {}),
    ...(who.admin && version >= SINCE.extendedAttributes ? extendedAttributes(server) : {}),
    'OS-EXT-STS:task_state': server.task_state,
    'OS-EXT-STS:vm_state': server.vm_state,
    'OS-EXT-STS:power_state': server.power_state,
    'os-extended-volumes:volumes_attached': volumesOf(call, server),
    ...newer(call, server),
    ...(groupNames(call, server).length > 0 ? { security_groups: groupNames(call, server) } : {}),
  };
}

/** Only admins see where it broke. */
function faultOf(call: Call, server: Server): Fields {
  const { details: _, ...fault } = server.fault ?? {};
  return call.who.admin ? { ...server.fault } : fault;
}

export const briefServer = (call: Call, server: Server): Fields => ({
  id: server.id,
  name: server.name,
  links: selfLinks(call, 'servers', server.id),
});
