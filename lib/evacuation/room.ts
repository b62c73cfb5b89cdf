/** Where there is room for servers, as Placement has it: a promise of space, not of Nova's choice. */
import { each } from '../each.ts';
import type { Cloud } from '../ports.ts';
import { all, canonical } from '../resources/resource-type.ts';
import type { Server } from '../resources/server.ts';

/** Amounts by resource class: `VCPU`, `MEMORY_MB`, `DISK_GB`, and what else a cloud has. */
type Amounts = Record<string, number>;

/** https://docs.openstack.org/api-ref/compute/#list-hypervisors-details; its id is that of its provider. */
interface Hypervisor {
  id: string;
  service: { host: string };
}

/** https://docs.openstack.org/api-ref/placement/#list-allocation-candidates */
interface Candidates {
  allocation_requests: { allocations: Record<string, unknown> }[];
  provider_summaries: Record<
    string,
    { resources: Record<string, { capacity: number; used: number }>; root_provider_uuid?: string }
  >;
}

export interface Room {
  /** The hosts with room for a server as it is now. */
  fits(server: string): string[];
  /** Memory that a host has left, MiB. */
  freeMib(host: string): number;
  /** What all hosts together lack for all servers together, in words; nothing when it is enough. */
  lack(servers: readonly string[]): string | undefined;
}

/** Calls at once while looking for room. */
const LOOKUPS = 4;
/** Hosts that Placement is to name for one size of server. */
const CANDIDATES = 1000;

/** What a server takes by its flavor, for one without an allocation of its own on the host. */
const byFlavor = ({ flavor, image }: Server): Amounts => {
  const disk = (image === '' ? 0 : flavor.disk) + flavor.ephemeral + Math.ceil(flavor.swap / 1024);
  return { VCPU: flavor.vcpus, MEMORY_MB: flavor.ram, ...(disk > 0 && { DISK_GB: disk }) };
};

const allocationsOn = async (source: Cloud, provider: string | undefined) => {
  if (!provider) return {};
  const path = `/resource_providers/${provider}/allocations`;
  const found = await source.get<{ allocations: Record<string, { resources: Amounts }> }>(
    'placement',
    path,
  );
  return found.allocations;
};

const findCandidates = (source: Cloud, amounts: Amounts): Promise<Candidates> => {
  const resources = Object.entries(amounts).map(([name, amount]) => `${name}:${amount}`);
  const query = { resources: resources.join(','), limit: CANDIDATES };
  return source.get<Candidates>('placement', '/allocation_candidates', { query });
};

/** What is left on each host that a listing of candidates speaks of; of a tree, on its root. */
const freeOf = ({ provider_summaries }: Candidates, hostOf: (provider: string) => string) =>
  Object.entries(provider_summaries)
    .filter(([id, { root_provider_uuid = id }]) => root_provider_uuid === id)
    .map(([id, { resources }]): [string, Amounts] => {
      const left: Amounts = {};
      for (const [name, { capacity, used }] of Object.entries(resources)) {
        left[name] = capacity - used;
      }
      return [hostOf(id), left];
    });

const hostsOf = (
  { allocation_requests, provider_summaries }: Candidates,
  hostOf: (provider: string) => string,
) =>
  allocation_requests.flatMap(({ allocations }) =>
    Object.keys(allocations).map((id) => hostOf(provider_summaries[id]?.root_provider_uuid ?? id)),
  );

const total = (amounts: readonly (Amounts | undefined)[]): Amounts => {
  const sum: Amounts = {};
  for (const one of amounts) {
    for (const [name, amount] of Object.entries(one ?? {})) sum[name] = (sum[name] ?? 0) + amount;
  }
  return sum;
};

const lackOf = (need: Amounts, free: Amounts) => {
  const short = Object.entries(need).filter(([name, amount]) => amount > (free[name] ?? 0));
  const words = short.map(([name, amount]) => `${amount} ${name}, and ${free[name] ?? 0} is left`);
  return words.length > 0 ? `together they take ${words.join('; ')}` : undefined;
};

/**
 * Asks Placement which of `hosts` have room for each of the servers of `host`. Anti-affinity,
 * zones and traits are Nova's own business: where there is room, it may still say no.
 *
 * @returns nothing where the cloud shows no Placement
 * @see https://docs.openstack.org/api-ref/placement/
 */
export const readRoom = async (
  source: Cloud,
  { host, servers, hosts }: { host: string; servers: readonly Server[]; hosts: readonly string[] },
): Promise<Room | undefined> => {
  if (!(await source.offers('placement'))) return undefined;
  const listing = source.list<Hypervisor>('compute', '/os-hypervisors/detail', 'hypervisors');
  const hypervisors = await all(listing);
  const names = new Map(hypervisors.map(({ id, service }) => [String(id), service.host]));
  const hostOf = (provider: string) => names.get(provider) ?? '';
  const own = hypervisors.find(({ service }) => service.host === host);
  const allocations = await allocationsOn(source, own && String(own.id));
  const takes = new Map(
    servers.map((one) => [one.id, allocations[one.id]?.resources ?? byFlavor(one)]),
  );
  const sizes = new Map([...takes.values()].map((amounts) => [canonical(amounts), amounts]));
  const found = await each([...sizes], LOOKUPS, async ([key, amounts]) => ({
    key,
    candidates: await findCandidates(source, amounts),
  }));
  const open = (name: string) => hosts.includes(name);
  const fitting = new Map(
    found.map(({ key, candidates }): [string, string[]] => {
      return [key, [...new Set(hostsOf(candidates, hostOf).filter(open))]];
    }),
  );
  const free = new Map(found.flatMap(({ candidates }) => freeOf(candidates, hostOf)));
  return {
    fits: (server) => [...(fitting.get(canonical(takes.get(server))) ?? [])],
    freeMib: (name) => free.get(name)?.MEMORY_MB ?? 0,
    lack: (ids) =>
      lackOf(total(ids.map((id) => takes.get(id))), total(hosts.map((name) => free.get(name)))),
  };
};
