/** Where the servers of a host may go: everywhere, to one host, or to those of one aggregate. */
import { PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { type ComputeService, computeServices, hostStatus } from '../resources/host.ts';
import { all } from '../resources/resource-type.ts';
import type { Server } from '../resources/server.ts';
import { BACK, type Journey } from './journey.ts';
import { readRoom } from './room.ts';

/** https://docs.openstack.org/api-ref/compute/#list-aggregates */
interface Aggregate {
  id: number;
  name: string;
  hosts: string[];
}

/**
 * The hosts that a target names, whatever their state: itself when it is a host, else the aggregate's.
 * @throws InvalidRequest with `details.field` when it names neither
 */
const namedHosts = async (
  source: Cloud,
  services: readonly ComputeService[],
  target: string,
): Promise<string[]> => {
  if (services.some(({ host }) => host === target)) return [target];
  const { aggregates } = await source.get<{ aggregates: Aggregate[] }>('compute', '/os-aggregates');
  const known = aggregates.find(({ name, id }) => name === target || String(id) === target);
  if (known) return known.hosts;
  const said = `target: the source has neither a host nor an aggregate ${target}`;
  throw new PumphouseError('InvalidRequest', said, {
    details: { field: 'target', unprocessable: true },
  });
};

/** The hosts that may take servers now: enabled, up, and not the one that is emptied. */
export const openHosts = async (
  source: Cloud,
  services: readonly ComputeService[],
  { host, target }: { host: string; target?: string | undefined },
): Promise<string[]> => {
  const named = target === undefined ? undefined : await namedHosts(source, services, target);
  return services
    .filter((one) => one.host !== host && hostStatus(one) === 'available')
    .map((one) => one.host)
    .filter((one) => named?.includes(one) ?? true);
};

/** The host of an aggregate that has most memory left, of those with room for the server. */
const roomiest = async (source: Cloud, host: string, server: Server, hosts: string[]) => {
  const room = await readRoom(source, { host, servers: [server], hosts });
  if (!room) return hosts[0];
  const fit = room.fits(server.id);
  return fit.sort((a, b) => room.freeMib(b) - room.freeMib(a))[0];
};

/**
 * The host that a server is sent to; nothing when Nova may choose. A way back leads to the host.
 * @throws ResourceFailed when none of the aggregate takes it
 */
export const chooseTarget = async (
  { evacuation, item, source, notes }: Journey,
  server: Server,
): Promise<string | undefined> => {
  const { host, input } = evacuation;
  if (item.type.startsWith(BACK)) return host;
  if (input.target === undefined) return undefined;
  const services = await all(computeServices(source));
  const hosts = await openHosts(source, services, { host, target: input.target });
  const chosen = hosts.length > 0 && (await roomiest(source, notes.from ?? host, server, hosts));
  if (chosen) return chosen;
  throw new PumphouseError('ResourceFailed', `nothing of ${input.target} takes it now`);
};
