/** A story about a host that changes its cloud: what it takes to begin, and what is seen of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Cloud } from '../../lib/ports.ts';
import type { BareMetalNode } from '../../lib/resources/bare-metal-node.ts';
import { type ComputeService, computeServices } from '../../lib/resources/host.ts';
import { all } from '../../lib/resources/resource-type.ts';
import { startSimulator } from '../../lib/simulator/simulator.ts';
import type { StreamEvent } from './event-stream.ts';
import { beginStory, type Story } from './story.ts';

export interface ShownHost {
  name: string;
  status: string;
  reason?: string;
  progress?: number;
  stage?: string;
}

export interface World {
  source: { hosts: ShownHost[] };
  destination: { hosts: ShownHost[] };
  hosts: ShownHost[];
  events: string[];
}

export interface Reassigning extends Story {
  world(): Promise<World>;
  /** Empties a host of the source, however its servers stand: the blocked, empty host is what counts. */
  vacate(host: string): Promise<void>;
  request(host: string, body?: object): Promise<{ status: number; json: Record<string, unknown> }>;
  /** Begins it, and answers its id. */
  begin(host: string, body?: object): Promise<string>;
  /** Begins it, and answers what was told, to the end. */
  reassign(host: string, body?: object): Promise<StreamEvent[]>;
  confirm(host: string, body: object): Promise<Response>;
  node(name: string): Promise<BareMetalNode>;
  /** Lets the machine fail in a way, so often. */
  breakNode(name: string, fault: string, times?: number): Promise<void>;
  mendNode(name: string): Promise<void>;
  services(cloud: Cloud): Promise<ComputeService[]>;
}

const setExtra = (cloud: Cloud, node: string, extra: object) =>
  cloud.patch(
    'baremetal',
    `/v1/nodes/${node}`,
    Object.entries(extra).map(([key, value]) => ({ op: 'add', path: `/extra/${key}`, value })),
  );

const serviceOf = async (cloud: Cloud, host: string) =>
  (await all(computeServices(cloud))).find((one) => one.host === host);

const vacate = async ({ source }: Story, host: string) => {
  const service = await serviceOf(source, host);
  await source.put('compute', `/os-services/${service?.id}`, { status: 'disabled' });
  const query = { all_tenants: true, host };
  const servers = source.list<{ id: string }>('compute', '/servers', 'servers', { query });
  for (const { id } of await all(servers)) await source.delete('compute', `/servers/${id}`);
  for (;;) {
    const left = await all(source.list('compute', '/servers', 'servers', { query }));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/**
 * @param pumphouse what the operator wrote of the destination, instead of what is there by itself
 * @param provisioner instead of Ironic; an empty one for none
 */
export const beginReassigning = async (
  pumphouse: object = { ironic: { image: 'http://images.example/compute.qcow2' } },
  provisioner = 'ironic',
): Promise<Reassigning> => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-reassigning-'));
  const simulator = await startSimulator({ dataDir: folder, pace: 0, imageMib: 1 });
  const yaml = parse(simulator.cloudsYaml());
  yaml.clouds.destination.pumphouse = pumphouse;
  const file = join(folder, 'clouds.yaml');
  await writeFile(file, stringify(yaml));
  const story = await beginStory({
    clouds: { file, source: 'source', destination: 'destination' },
    environment: { SIMULATOR_URL: simulator.url, PROVISIONER: provisioner, WATCH_SECONDS: '0.5' },
  });
  await story.service.listed;
  const { url } = story.service;
  const request = async (host: string, body?: object) => {
    const answer = await fetch(`${url}/hosts/${encodeURIComponent(host)}`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  const begin = async (host: string, body?: object) => {
    const { status, json } = await request(host, body);
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(json)}`);
    return String(json.id);
  };
  return {
    ...{ ...story, request, begin },
    world: async () => (await (await fetch(`${url}/resources`)).json()) as World,
    vacate: (host) => vacate(story, host),
    reassign: async (host, body) => story.told(await begin(host, body)),
    confirm: (host, body) => story.post(`/hosts/${host}/confirm`, body),
    node: (name) => story.destination.get('baremetal', `/v1/nodes/${name}`),
    async breakNode(name, fault, fault_times) {
      await setExtra(story.destination, name, { fault, ...(fault_times && { fault_times }) });
    },
    mendNode: (name) => setExtra(story.destination, name, { fault: '' }).then(() => {}),
    services: (cloud) => all(computeServices(cloud)),
    async end() {
      await story.end();
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
