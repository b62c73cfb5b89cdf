/** The same orders to both runs: the deployed one and the embedded one. */
import type { StreamEvent } from '../support/event-stream.ts';
import type { Resources } from './comparison.ts';

/** The workload of both runs follows from it; nothing takes longer than it must. */
export const WORKLOAD = { seed: 7, tenants: 2, servers: 6, imageMib: 1, pace: 0 };

export interface Operation {
  id: string;
  events: StreamEvent[];
}

/** One run, and what it has told. */
export interface Run {
  seeded: Resources;
  migration: Operation;
  evacuation: Operation;
  reassignment: Operation;
  after: Resources;
}

type Order = (method: string, path: string) => Promise<Operation>;

export interface Ordered {
  resources(): Promise<Resources>;
  order: Order;
  synchronise(): Promise<void>;
}

const servers = (world: Resources['source']) =>
  world.resources.filter(({ type }) => type === 'server');

/** The tenant with most servers: they migrate. */
export const largestTenant = ({ source }: Resources): string => {
  const count = (id: unknown) => servers(source).filter((one) => one.tenant_id === id).length;
  const [first] = source.tenants.toSorted((a, b) => count(b.id) - count(a.id));
  return String(first?.id);
};

/** The servers of a tenant of the source. */
export const serversOf = ({ source }: Resources, tenant: string): string[] =>
  servers(source)
    .filter(({ tenant_id }) => tenant_id === tenant)
    .map(({ id }) => String(id));

/** A host of the source that has servers, and takes more. */
export const busyHost = ({ source }: Resources): string => {
  const busy = new Set(servers(source).map(({ host_name }) => host_name));
  const host = source.hosts.find(({ name, status }) => status === 'available' && busy.has(name));
  return String(host?.name);
};

/** A host of the source that has servers of other tenants: it is emptied after the migration. */
export const hostWithOthers = ({ source }: Resources, tenant: string): string =>
  String(servers(source).find(({ tenant_id }) => tenant_id !== tenant)?.host_name);

/** Migrates a tenant, then empties a host, which then changes its cloud. */
export const run = async (service: Ordered): Promise<Run> => {
  const seeded = await service.resources();
  const tenant = largestTenant(seeded);
  const migration = await service.order('POST', `/tenants/${tenant}`);
  const host = `/hosts/${hostWithOthers(seeded, tenant)}`;
  const evacuation = await service.order('POST', host);
  const reassignment = await service.order('DELETE', host);
  // What has gone is forgotten once two listings miss it.
  await service.synchronise();
  await service.synchronise();
  return { seeded, migration, evacuation, reassignment, after: await service.resources() };
};
