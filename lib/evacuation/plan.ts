/** What an evacuation of a host would do, server by server, and what would keep it from it. Reads only. */
import { PumphouseError } from '../domain/errors.ts';
import type { WorldStatus } from '../domain/world.ts';
import type { Cloud } from '../ports.ts';
import { type ComputeService, computeServices, hostStatus } from '../resources/host.ts';
import { all } from '../resources/resource-type.ts';
import type { Server } from '../resources/server.ts';
import { serversOn } from './evacuation.ts';
import { type Room, readRoom } from './room.ts';
import { openHosts } from './target.ts';
import { adviceFor, isOccupied, type Way, wayOf } from './ways.ts';

/** One server's part in it, as it is answered. */
export interface ServerPlan {
  id: string;
  name: string;
  tenant_id: string;
  status: string;
  /** What will be done, in the order in which it will be. */
  steps: string[];
  /** Hosts with room for it, at most 20; absent where nobody can say. */
  fits_on?: string[];
  /** What else is to be known before. */
  notes?: string[];
  /** Why it will be left where it is, and what to do by hand. */
  by_hand?: string;
}

/** Something that keeps the evacuation from being begun. */
export interface Block {
  kind: 'down' | 'last' | 'target' | 'room';
  reason: string;
}

export interface HostPlan {
  host: { id: string; name: string; status: WorldStatus };
  /** Hosts that may take servers. */
  targets: string[];
  servers: ServerPlan[];
  /** Empty when it can be begun. */
  blocks: Block[];
}

const STEPS: Record<Way, string[]> = {
  live: ['live migration'],
  cold: ['cold migration', 'confirmation'],
  wake: ['resume', 'live migration', 'suspend'],
};

/** Hosts named for one server. */
const NAMED = 20;

const notesOf = (server: Server) => [
  ...(server.locked ? ['it is locked: an administrator may move it, and the lock stays'] : []),
  ...(isOccupied(server)
    ? [`${server['OS-EXT-STS:task_state'] ?? 'its building'} is in hand, and waited for`]
    : []),
];

const planServer = (server: Server, room: Room | undefined): ServerPlan => {
  const { id, name, tenant_id, status } = server;
  const way = wayOf(server);
  const notes = notesOf(server);
  return {
    ...{ id, name, tenant_id, status, steps: way ? STEPS[way] : [] },
    ...(way && room && { fits_on: room.fits(id).slice(0, NAMED) }),
    ...(notes.length > 0 && { notes }),
    ...(!way && !isOccupied(server) && { by_hand: adviceFor(server) }),
  };
};

const roomBlocks = (servers: readonly ServerPlan[], room: Room): Block[] => {
  const movable = servers.filter(({ steps }) => steps.length > 0);
  const homeless = movable.filter(({ fits_on }) => fits_on?.length === 0);
  if (homeless.length > 0) {
    const names = homeless.slice(0, NAMED).map(({ name }) => name);
    const more = homeless.length > NAMED ? ` and ${homeless.length - NAMED} more` : '';
    return [{ kind: 'room', reason: `No other host has room for ${names.join(', ')}${more}` }];
  }
  const lack = room.lack(movable.map(({ id }) => id));
  return lack ? [{ kind: 'room', reason: `The other hosts have no room for all: ${lack}` }] : [];
};

const DOWN =
  'its servers cannot be moved while they run. Nova\'s own "evacuate" rebuilds the servers of a dead host elsewhere, and disks that were on it alone are lost (nova host-evacuate, openstack server evacuate)';

const hostBlocks = (
  service: ComputeService,
  targets: readonly string[],
  target?: string,
): Block[] => {
  const { host } = service;
  const down: Block = { kind: 'down', reason: `Host ${host} is down: ${DOWN}` };
  const last: Block = {
    kind: 'last',
    reason: `Host ${host} is the last one enabled: its servers have nowhere to go`,
  };
  const closed: Block = { kind: 'target', reason: `No host of ${target} is enabled and up` };
  return [
    ...(hostStatus(service) === 'error' ? [down] : []),
    ...(targets.length > 0 ? [] : [target === undefined ? last : closed]),
  ];
};

const refuseSelf = (host: string, target: string | undefined) => {
  if (target !== host) return;
  throw new PumphouseError('InvalidRequest', `target: ${host} is the host to be emptied`, {
    details: { field: 'target', unprocessable: true },
  });
};

/**
 * @throws ResourceNotFound when the source has no such host, InvalidRequest with `details.field` for a
 * target that is none
 */
export const planHost = async (
  source: Cloud,
  host: string,
  { target }: { target?: string | undefined } = {},
): Promise<HostPlan> => {
  const services = await all(computeServices(source));
  const service = services.find((one) => one.host === host);
  if (!service) throw new PumphouseError('ResourceNotFound', `The source has no host ${host}`);
  refuseSelf(host, target);
  const targets = await openHosts(source, services, { host, target });
  const found = await serversOn({ source, host });
  const room =
    found.length > 0 ? await readRoom(source, { host, servers: found, hosts: targets }) : undefined;
  const servers = found.map((one) => planServer(one, room));
  const blocks = hostBlocks(service, targets, target);
  return {
    ...{ host: { id: host, name: host, status: hostStatus(service) }, targets, servers },
    blocks: blocks.length === 0 && room ? roomBlocks(servers, room) : blocks,
  };
};
