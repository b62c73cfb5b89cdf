/** Creating a server: what Nova checks before it answers, and what becomes of it afterwards. */
import { randomBytes } from 'node:crypto';
import { isBroken } from '../baremetal/machines.ts';
import { guestRecord } from '../bytes.ts';
import { micros } from '../clock.ts';
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import { maySee } from '../image/images.ts';
import type { Fields, Flavor, Image, Server } from '../model.ts';
import { attachPort } from '../network/ports.ts';
import { isTrue, listOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, forbidden } from '../refusal.ts';
import { accepted, type Call, under } from '../router.ts';
import { attachAtBoot, bootVolumes } from '../volume/attaching.ts';
import { networkCards } from './cards.ts';
import { flavorOf } from './flavors.ts';
import { joinGroup } from './groups.ts';
import { pickHost } from './hosts.ts';
import { newServer } from './newborn.ts';
import { requireRoomFor } from './quotas.ts';
import { changeServer, releasePorts } from './servers.ts';
import { hostnameOf, selfLinks } from './view.ts';

const SCHEDULE_SECONDS = 0.5;
const SPAWN_SECONDS = 2;

const KNOWN = [
  ...['name', 'imageRef', 'flavorRef', 'networks', 'metadata', 'security_groups', 'key_name'],
  ...['user_data', 'config_drive', 'availability_zone', 'min_count', 'max_count', 'adminPass'],
  ...['block_device_mapping_v2', 'block_device_mapping', 'personality', 'description', 'tags'],
  ...['OS-DCF:diskConfig', 'accessIPv4', 'accessIPv6', 'host', 'hypervisor_hostname', 'hostname'],
  ...['trusted_image_certificates', 'return_reservation_id', 'os:scheduler_hints'],
];

const invalid = (field: string, value: unknown, why: string) =>
  badRequest(`Invalid input for field/attribute ${field}. Value: ${textOf(value)}. ${why}`);

function check(call: Call, input: Fields): void {
  const shown = JSON.stringify(input);
  if (typeof input.name !== 'string')
    throw badRequest(
      `Invalid input for field/attribute server. Value: ${shown}. 'name' is a required property`,
    );
  if (!input.name.trim()) throw invalid('name', input.name, "'' is too short");
  for (const name of Object.keys(input))
    if (!KNOWN.includes(name))
      throw badRequest(
        `Invalid input for field/attribute server. Value: ${shown}. Additional properties are not allowed ('${name}' was unexpected)`,
      );
  if (input.networks === undefined && call.version >= 37)
    throw badRequest(
      `Invalid input for field/attribute server. Value: ${shown}. 'networks' is a required property`,
    );
  for (const [key, value] of Object.entries(recordOf(input.metadata)))
    if (typeof value !== 'string')
      throw invalid(key, value, `${JSON.stringify(value)} is not of type 'string'`);
}

function flavorFor(call: Call, input: Fields): Flavor {
  try {
    return flavorOf(call, textOf(input.flavorRef).split('/').at(-1));
  } catch {
    throw badRequest(`Flavor ${textOf(input.flavorRef)} could not be found.`);
  }
}

function imageFor(call: Call, input: Fields, flavor: Flavor): Image | undefined {
  const id = textOf(input.imageRef).split('/').at(-1) ?? '';
  if (!id) return undefined;
  const image = call.cloud.images.get(id);
  if (!image || !maySee(call, image)) throw badRequest('Can not find requested image');
  if (image.status !== 'active') throw badRequest(`Image ${id} is not active.`);
  if (image.min_ram > flavor.ram)
    throw badRequest("Flavor's memory is too small for requested image.");
  const gib = Math.ceil((image.size ?? 0) / 2 ** 30);
  if (flavor.disk > 0 && Math.max(image.min_disk, gib) > flavor.disk)
    throw badRequest(
      `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavor.disk * 2 ** 30} bytes, minimum size is ${Math.max(image.min_disk, gib) * 2 ** 30} bytes.`,
    );
  return image;
}

/** `zone`, `zone:host` or `zone:host:node`; the API fields `host` and `hypervisor_hostname` from 2.74. */
function placeOf(call: Call, input: Fields): { zone: string; host: string } {
  const [zone = '', host = ''] = textOf(input.availability_zone).split(':');
  const named = host || textOf(input.host) || textOf(input.hypervisor_hostname);
  if (named && !call.who.admin)
    throw forbidden(
      "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
    );
  if (zone && zone !== 'nova') throw badRequest(`The requested availability zone is not available`);
  return { zone: 'nova', host: named };
}

function keyFor(call: Call, input: Fields): string | null {
  const name = textOf(input.key_name);
  if (!name) return null;
  if (!call.cloud.table('keypair').get(`${call.who.userId}/${name}`))
    throw badRequest('Invalid key_name provided.');
  return name;
}

function groupsFor(call: Call, input: Fields): string[] {
  const names = listOf(input.security_groups).map((one) => textOf(recordOf(one).name));
  return names.map((name) => {
    const fits = call.cloud
      .table('security-group')
      .where(
        (one) => one.project_id === call.who.projectId && (one.name === name || one.id === name),
      );
    if (fits.length > 1)
      throw conflict(
        `Multiple security groups found matching '${name}'. Use an ID to be more specific.`,
      );
    const [group] = fits;
    if (!group && name !== 'default')
      throw badRequest(`Unable to find security_group with name or id '${name}'`);
    return group?.id ?? '';
  });
}

/** What Nova tells before anything has happened. */
function answerOf(call: Call, input: Fields, id: string): Fields {
  const names = listOf(input.security_groups).map((one) => recordOf(one));
  return {
    server: {
      id,
      links: selfLinks(call, 'servers', id),
      'OS-DCF:diskConfig': 'MANUAL',
      security_groups: names.length > 0 ? names : [{ name: 'default' }],
      adminPass: textOf(input.adminPass) || randomBytes(9).toString('base64url'),
    },
  };
}

/** The texts and switches of the request that go into the server as they are. */
const chosen = (call: Call, input: Fields) => ({
  metadata: recordOf(input.metadata) as Record<string, string>,
  tags: listOf(input.tags).map((tag) => textOf(tag)),
  user_data: textOf(input.user_data) || null,
  description: textOf(input.description) || null,
  config_drive: isTrue(input.config_drive),
  hints: recordOf(call.body['os:scheduler_hints'] ?? call.body['OS-SCH-HNT:scheduler_hints']),
});

export function createServer(call: Call) {
  const input = under(call, 'server');
  const { cloud } = call;
  check(call, input);
  const flavor = flavorFor(call, input);
  const image = imageFor(call, input, flavor);
  const place = placeOf(call, input);
  const key_name = keyFor(call, input);
  const groups = groupsFor(call, input).filter(Boolean);
  requireRoomFor(call, flavor);
  const volumes = bootVolumes(call, input);
  if (!image && !volumes.some((one) => one.boot)) throw badRequest('Invalid imageRef provided.');
  const id = cloud.newId();
  const cards = networkCards(call, input, id, groups);
  const server = cloud.servers.put({
    ...newServer(call, textOf(input.name), flavor, image),
    ...chosen(call, input),
    id,
    key_name,
    zone: place.zone,
    security_groups: groups,
    ports: cards.ports,
    own_ports: cards.own,
    disk:
      image && !volumes.some((one) => one.boot)
        ? [...image.segments, guestRecord(id, hostnameOf(textOf(input.name)))]
        : [],
    volumes,
  });
  attachAtBoot(cloud, server);
  joinGroup(call, server);
  cloud.later(SCHEDULE_SECONDS, 'server.scheduled', id, { host: place.host });
  const location = `${cloud.origin()}/compute/v2.1/servers/${id}`;
  return accepted(answerOf(call, input, id), { Location: location });
}

/** ERROR, without a host; the ports that it was given are free again. */
export function failServer(cloud: SimulatedCloud, server: Server, message: string): void {
  releasePorts(cloud, server);
  changeServer(cloud, server, {
    vm_state: 'error',
    task_state: null,
    host: null,
    fault: { code: 500, created: cloud.stamp(), message, details: message },
  });
}

/** Takes the ports to the host; one that another server took in the meantime fails this one. */
function placeOn(cloud: SimulatedCloud, server: Server, host: string): boolean {
  const ports = server.ports.flatMap((id) => cloud.ports.get(id) ?? []);
  const taken = ports.find((port) => port.device_id && port.device_id !== server.id);
  if (taken || ports.length < server.ports.length) {
    failServer(cloud, server, `Port ${taken?.id ?? server.ports[0]} is still in use.`);
    return false;
  }
  bindPorts(cloud, server, host);
  return true;
}

/** Binds the server's ports to a host. */
export function bindPorts(cloud: SimulatedCloud, server: Server, host: string): void {
  for (const id of server.ports) {
    const port = cloud.ports.get(id);
    const where = { device_id: server.id, device_owner: `compute:${server.zone}` };
    if (port) attachPort({ cloud }, port, { ...where, 'binding:host_id': host });
  }
}

export const bootTransitions: Transitions = {
  'server.scheduled': (cloud, due) => {
    const server = cloud.servers.get(due.subject);
    if (server?.task_state !== 'scheduling') return;
    const host = pickHost(cloud, server, textOf(due.data.host));
    if (!host) {
      failServer(cloud, server, 'No valid host was found. There are not enough hosts available.');
      return;
    }
    if (!placeOn(cloud, server, host)) return;
    changeServer(cloud, server, { host, task_state: 'spawning' });
    cloud.later(SPAWN_SECONDS, 'server.spawned', server.id, {}, due.at);
  },
  'server.spawned': (cloud, due) => {
    const server = cloud.servers.get(due.subject);
    if (server?.task_state !== 'spawning') return;
    if (server.metadata.bed_fault === 'spawn' || isBroken(cloud, server.host, 'spawn')) {
      failServer(cloud, server, `Build of instance ${server.id} aborted: bed_fault`);
      return;
    }
    changeServer(cloud, server, {
      vm_state: 'active',
      task_state: null,
      power_state: 1,
      launched_at: micros(cloud.now()),
    });
  },
};
