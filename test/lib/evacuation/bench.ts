/** What stories of evacuations share: the tasks of both machines, and a simulated source to act upon. */
import { expect } from 'vitest';
import { evacuateHost } from '../../../lib/commands/evacuate-host.ts';
import { evacuationInput } from '../../../lib/commands/evacuation-input.ts';
import { hostOf } from '../../../lib/evacuation/evacuation.ts';
import type { Cloud } from '../../../lib/ports.ts';
import { type ComputeService, computeServices } from '../../../lib/resources/host.ts';
import { all } from '../../../lib/resources/resource-type.ts';
import { getServer, type Server } from '../../../lib/resources/server.ts';
import { blockHost } from '../../../stepfunctions/evacuate-host/tasks/block-host.ts';
import { failEvacuation } from '../../../stepfunctions/evacuate-host/tasks/fail-evacuation.ts';
import { finishEvacuation } from '../../../stepfunctions/evacuate-host/tasks/finish-evacuation.ts';
import { giveServerUp } from '../../../stepfunctions/evacuate-host/tasks/give-server-up.ts';
import { listServers } from '../../../stepfunctions/evacuate-host/tasks/list-servers.ts';
import { openHost } from '../../../stepfunctions/evacuate-host/tasks/open-host.ts';
import { coldMigrateServer } from '../../../stepfunctions/evacuate-server/tasks/cold-migrate-server.ts';
import { confirmServer } from '../../../stepfunctions/evacuate-server/tasks/confirm-server.ts';
import { examineServer } from '../../../stepfunctions/evacuate-server/tasks/examine-server.ts';
import { leaveServer } from '../../../stepfunctions/evacuate-server/tasks/leave-server.ts';
import { liveMigrateServer } from '../../../stepfunctions/evacuate-server/tasks/live-migrate-server.ts';
import { settleServer } from '../../../stepfunctions/evacuate-server/tasks/settle-server.ts';
import { wakeServer } from '../../../stepfunctions/evacuate-server/tasks/wake-server.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

export const TASKS = {
  ...{ blockHost, listServers, openHost, giveServerUp, finishEvacuation, failEvacuation },
  ...{ examineServer, wakeServer, liveMigrateServer, coldMigrateServer, confirmServer },
  ...{ settleServer, leaveServer },
};

const REACHES: Record<string, object[]> = {
  ACTIVE: [],
  PAUSED: [{ pause: null }],
  SHUTOFF: [{ 'os-stop': null }],
  SUSPENDED: [{ suspend: null }],
  ERROR: [{ 'os-resetState': { state: 'error' } }],
  VERIFY_RESIZE: [{ migrate: null }],
};
const LEAVES: Record<string, object> = {
  PAUSED: { unpause: null },
  SHUTOFF: { 'os-start': null },
  SUSPENDED: { resume: null },
};

/** Patient, since the machine that runs it may have much else to do. */
export const soon = <T>(look: () => T | Promise<T>) => expect.poll(look, { timeout: 30_000 });

export interface EvacuationBench extends SimulatedRuntime {
  source: Cloud;
  serversAt(host: string): Promise<Server[]>;
  server(id: string | undefined): Promise<Server>;
  act(server: Server | undefined, action: object): Promise<unknown>;
  /** Sets metadata by which the simulated hypervisor is told to be slow or to fail. */
  steer(server: Server | undefined, metadata: Record<string, string>): Promise<unknown>;
  /** Brings a server into a state. */
  bring(server: Server | undefined, status: string): Promise<void>;
  service(host: string): Promise<ComputeService>;
  setService(host: string, change: object): Promise<unknown>;
  /** The hosts, that with most servers first; at least so many, and all of them running. */
  busyHost(servers: number): Promise<{ host: string; others: string[]; servers: Server[] }>;
  /** A new server of our own like `like`, on its host. */
  boot(like: Server, name: string): Promise<Server>;
  /** Nova's migrations of a server. */
  migrationsOf(server: Server | undefined): Promise<NovaRecord[]>;
  begin(host: string, body?: object): Promise<string>;
  evacuate(host: string, body?: object): Promise<Story>;
  /** A freshly seeded workload, known to the world. */
  renew(): Promise<void>;
  story(id: string): Promise<Story>;
}

export interface NovaRecord {
  migration_type: string;
  status: string;
  dest_compute: string | null;
}

export interface Story {
  id: string;
  events: { name: string; data: Record<string, unknown>; last?: true }[];
  names: string[];
  /** The data of the last event. */
  end: Record<string, unknown>;

  /** Events of one server, by name, without those of its progress. */
  of(server: Server | undefined): string[];
}

/** Two simulated clouds and the machines of an evacuation. */
export const evacuationBench = async (
  size: { tenants?: number; servers?: number; pace?: number } = { tenants: 2, servers: 8 },
  tasks: Record<string, unknown> = TASKS,
): Promise<EvacuationBench> => {
  const bench = await openSimulatedRuntime(tasks as typeof TASKS, {}, { ...size, imageMib: 1 });
  const { runtime } = bench;
  const { source } = await runtime.clouds();

  const listed = () =>
    all(
      source.list<Server>('compute', '/servers/detail', 'servers', {
        query: { all_tenants: true },
      }),
    );
  const serversAt = async (host: string) => (await listed()).filter((one) => hostOf(one) === host);
  const server = (id: string | undefined) => getServer(source, id ?? '');
  const act = (one: Server | undefined, action: object) =>
    source.post('compute', `/servers/${one?.id}/action`, action);
  const settled = async (id: string) => {
    const { status, ...rest } = await server(id);
    return `${status} ${rest['OS-EXT-STS:task_state']}`;
  };
  const bring = async (one: Server | undefined, status: string) => {
    for (const action of REACHES[status] ?? []) await act(one, action);
    await soon(() => settled(one?.id ?? '')).toBe(`${status} null`);
  };
  const services = () => all(computeServices(source));
  const service = async (host: string) =>
    (await services()).find((one) => one.host === host) as ComputeService;

  const wake = async (one: Server) => {
    const { status } = await server(one.id);
    const leave = LEAVES[status];
    if (leave) await act(one, leave);
    await soon(() => settled(one.id)).toBe('ACTIVE null');
  };

  const story = async (id: string): Promise<Story> => {
    const events = await bench.stream(id);
    const of = (one: Server | undefined) =>
      events
        .filter(({ name, data }) => data.id === one?.id && name !== 'operation progress')
        .map(({ name }) => name);
    return {
      id,
      events,
      names: events.map(({ name }) => name),
      end: events.at(-1)?.data ?? {},
      of,
    };
  };

  const begin = async (hostId: string, body?: object) => {
    const { input } = evacuationInput(body);
    return (await evacuateHost(runtime, { hostId, input })).id;
  };

  return {
    ...bench,
    ...{ source, serversAt, server, act, bring, service, story, begin },
    steer: (one, metadata) => source.post('compute', `/servers/${one?.id}/metadata`, { metadata }),
    setService: async (host, change) =>
      source.put('compute', `/os-services/${(await service(host)).id}`, change),
    async busyHost(least) {
      const hosts = (await services()).map(({ host }) => host);
      const loads = await Promise.all(
        hosts.map(async (host) => ({ host, servers: await serversAt(host) })),
      );
      const [busiest] = loads.sort((a, b) => b.servers.length - a.servers.length);
      if (!busiest || busiest.servers.length < least) throw new Error('No host is busy enough');
      for (const one of busiest.servers) await wake(one);
      const others = hosts.filter((host) => host !== busiest.host);
      return { host: busiest.host, others, servers: await serversAt(busiest.host) };
    },
    async boot(like, name) {
      const { server: made } = await source.post<{ server: Server }>('compute', '/servers', {
        server: {
          ...{ name, imageRef: like.image === '' ? '' : like.image.id, networks: 'none' },
          flavorRef: (await flavorOf(source, like)).id,
          host: hostOf(like),
        },
      });
      await soon(() => settled(made.id)).toBe('ACTIVE null');
      return server(made.id);
    },
    async migrationsOf(one) {
      const query = { instance_uuid: one?.id };
      return all(source.list('compute', '/os-migrations', 'migrations', { query }));
    },
    async renew() {
      await bench.reset();
      await bench.synchronise();
    },
    async evacuate(host, body) {
      return story(await begin(host, body));
    },
  };
};

const flavorOf = async (source: Cloud, { flavor }: Server) => {
  const query = { is_public: 'None' };
  const found = await all(
    source.list<{ id: string; name: string }>('compute', '/flavors/detail', 'flavors', { query }),
  );
  const known = found.find(({ name }) => name === flavor.original_name);
  if (!known) throw new Error(`There is no flavor ${flavor.original_name}`);
  return known;
};
