/**
 * Two simulated OpenStack clouds behind one port: real HTTP, kept in a data folder through SIGKILL.
 * For tests and for a first look; `main.ts` runs it as a process of its own.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { baremetalService } from './baremetal/service.ts';
import { byteStore } from './bytes.ts';
import { type SimulatorClock, systemClock } from './clock.ts';
import { ROOM, type SimulatedCloud, simulatedCloud } from './cloud.ts';
import { cloudsYaml, regionOf } from './clouds.ts';
import { computeService, computeVersions } from './compute/service.ts';
import { controlRoutes } from './control.ts';
import { type DueQueue, dueQueue } from './due.ts';
import { callLog, faultScript } from './faults.ts';
import { identityService, identityVersions } from './identity/service.ts';
import { sweepBytes } from './image/images.ts';
import { imageService } from './image/service.ts';
import { requestListener } from './listener.ts';
import { networkService } from './network/service.ts';
import { placementService } from './placement/service.ts';
import { numberOf } from './reading.ts';
import { objectStore, type Store } from './store.ts';
import { TRANSITIONS } from './transitions.ts';
import { volumeService, volumeVersions } from './volume/service.ts';
import { tenantPlans } from './workload/company.ts';
import type { Secrets } from './workload/people.ts';
import { type Size, seedCloud } from './workload/seed.ts';

export interface SimulatorOptions {
  /** Everything is kept here: `objects.db` and the bytes of images. */
  dataDir: string;
  /** 0: a free one. */
  port?: number;
  /** The workload follows from it; ignored when the data folder has one already. */
  seed?: number;
  tenants?: number;
  servers?: number;
  /** Size of the first image in MiB; each further one has one more. */
  imageMib?: number;
  /** How long things take, times believable seconds. 0: at once. */
  pace?: number;
  clock?: SimulatorClock;
  /** Most items in one page of any list. */
  maxPage?: number;
}

export interface Simulator {
  port: number;
  url: string;
  adminPassword: string;
  cloudsYaml(): string;
  /** Back to the workload as it was seeded; tokens stay valid. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const SERVICES = [
  identityVersions,
  identityService,
  computeVersions,
  computeService,
  imageService,
  networkService,
  volumeVersions,
  volumeService,
  placementService,
  baremetalService,
];

const USUAL: Size = { seed: 1, tenants: 4, servers: 14, imageMib: 3 };

/** The workload's size and secrets are settled when the data folder is new. */
function settingsOf(store: Store, options: SimulatorOptions): { size: Size; secrets: Secrets } {
  const settings = store.table('simulator', 'settings');
  const kept = settings.get('settings');
  if (kept) return { size: kept.size as Size, secrets: kept.secrets as Secrets };
  const secret = () => randomBytes(18).toString('base64url');
  const size: Size = {
    seed: numberOf(options.seed, USUAL.seed),
    tenants: numberOf(options.tenants, USUAL.tenants),
    servers: numberOf(options.servers, USUAL.servers),
    imageMib: numberOf(options.imageMib, USUAL.imageMib),
  };
  const plans = tenantPlans(size.tenants);
  const tenants = Object.fromEntries(plans.map((plan) => [plan.name, secret()]));
  const secrets: Secrets = { admin: secret(), credential: secret(), tenants };
  settings.put({ id: 'settings', size, secrets, seeded: false });
  return { size, secrets };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

function openClouds(options: SimulatorOptions, store: Store, origin: () => string) {
  return ['source', 'destination'].map((name) =>
    simulatedCloud({
      name,
      region: regionOf(name),
      store,
      bytes: byteStore(join(options.dataDir, 'bytes', name)),
      clock: options.clock ?? systemClock,
      pace: options.pace ?? 1,
      maxPage: options.maxPage ?? 1000,
      origin,
    }),
  );
}

async function shut(server: Server, queues: readonly DueQueue[], store: Store): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await Promise.all(queues.map((queue) => queue.quiet()));
  store.close();
}

/**
 * Starts both clouds on loopback; a data folder that has a workload keeps it.
 * @throws the listener's error when the port is in use
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  mkdirSync(options.dataDir, { recursive: true });
  const store = objectStore(join(options.dataDir, 'objects.db'));
  const { size, secrets } = settingsOf(store, options);
  let url = '';
  const clouds = openClouds(options, store, () => url);
  const queues = clouds.map((cloud) => dueQueue(cloud, TRANSITIONS, store.commit));
  const settle = () => {
    for (const queue of queues) queue.settle();
  };
  const reset = () => seedAll(store, clouds, size, secrets);
  const [faults, calls] = [faultScript(), callLog()];
  const yaml = () => cloudsYaml(url, secrets, size.tenants);
  const about = () => ({ clouds: clouds.map((cloud) => cloud.origin()), size });
  const listener = requestListener({
    sites: clouds.map((cloud) => ({ cloud, settle })),
    services: SERVICES,
    faults,
    calls,
    control: controlRoutes({ faults, calls, reset, about, cloudsYaml: yaml }),
    commit: store.commit,
  });
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 30_000 }, listener);
  if (store.table('simulator', 'settings').get('settings')?.seeded !== true) await reset();
  for (const cloud of clouds) sweepBytes(cloud);
  const port = await listen(server, options.port ?? 0);
  url = `http://127.0.0.1:${port}`;
  return {
    port,
    url,
    adminPassword: secrets.admin,
    cloudsYaml: yaml,
    reset,
    close: () => shut(server, queues, store),
  };
}

async function seedAll(
  store: Store,
  clouds: readonly SimulatedCloud[],
  size: Size,
  secrets: Secrets,
): Promise<void> {
  store.clear(ROOM, []);
  for (const cloud of clouds) {
    store.clear(cloud.name, ['token']);
    await seedCloud(cloud, size, secrets);
    sweepBytes(cloud);
  }
  const settings = store.table('simulator', 'settings');
  settings.put({ id: 'settings', size, secrets, seeded: true });
  store.commit();
}
