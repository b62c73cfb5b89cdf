/**
 * A story: the whole service in this process over simulated clouds of its own, spoken to over HTTP as
 * a user does, with the clouds at hand to set the scene and to look afterwards.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, type ServiceOptions, startService } from '../../lib/local/service.ts';
import { openCloud } from '../../lib/openstack/cloud.ts';
import { loadCloud } from '../../lib/openstack/clouds-yaml.ts';
import type { Cloud } from '../../lib/ports.ts';
import { all } from '../../lib/resources/resource-type.ts';
import type { Server } from '../../lib/resources/server.ts';
import { eventsOf, type StreamEvent } from './event-stream.ts';

export interface Story {
  service: Service;
  source: Cloud;
  destination: Cloud;
  /** The servers of a tenant, by name. */
  servers(cloud: Cloud, tenantId: string): Promise<Server[]>;
  /** A tenant of the source by its name's beginning or number of servers. */
  largestTenant(): Promise<{ id: string; name: string }>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The stream of an operation, to its end. */
  told(id: string): Promise<StreamEvent[]>;
  /** Lets calls of the clouds fail: which ones, how often, and what they get instead. */
  fault(calls: object, outcome: string | object): Promise<void>;
  clearFaults(): Promise<void>;
  /** How many calls got no answer at all by such a fault. */
  struck(): Promise<number>;
  end(): Promise<void>;
}

const control = (service: Service, method: string, path: string, body?: unknown) =>
  fetch(`${service.env.SIMULATOR_URL}/_simulator/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

/** Starts the service with a small workload that takes no time. */
export const beginStory = async (options: Partial<ServiceOptions> = {}): Promise<Story> => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-story-'));
  const service = await startService({
    ...{ port: 0, data: join(folder, 'data'), finalize: 'auto', quiesce: 'suspend', reset: true },
    simulator: { pace: 0, imageMiB: 1 },
    ...{ waitScale: 0.02, ...options },
  });
  const text = await readFile(service.clouds.file, 'utf8');
  const source = openCloud(loadCloud(text, 'source'), 'source');
  const destination = openCloud(loadCloud(text, 'destination'), 'destination');
  const everyServer = (cloud: Cloud, query = {}) =>
    all(
      cloud.list<Server>('compute', '/servers/detail', 'servers', {
        query: { all_tenants: true, ...query },
      }),
    );
  return {
    ...{ service, source, destination },
    servers: (cloud, project_id) => everyServer(cloud, { project_id }),
    async largestTenant() {
      const byTenant = Map.groupBy(await everyServer(source), ({ tenant_id }) => tenant_id);
      const [first] = [...byTenant].sort(([, a], [, b]) => b.length - a.length);
      const path = `/projects/${first?.[0]}`;
      return (await source.get<{ project: { id: string; name: string } }>('identity', path))
        .project;
    },
    post: (path, body, headers = {}) =>
      fetch(`${service.url}${path}`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    told: (id) => Array.fromAsync(eventsOf(`${service.url}/events/${id}`)),
    async fault(calls, outcome) {
      const rule = Object.fromEntries([...Object.entries(calls), ['then', outcome]]);
      await control(service, 'POST', 'faults', { list: [rule] });
    },
    clearFaults: async () => void (await control(service, 'DELETE', 'faults')),
    async struck() {
      const { calls } = (await (await control(service, 'GET', 'calls')).json()) as {
        calls: { status: number }[];
      };
      return calls.filter(({ status }) => status === 0).length;
    },
    async end() {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
