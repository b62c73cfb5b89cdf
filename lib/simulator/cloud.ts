/** One simulated cloud: its objects, its bytes, its time. Services are written against this and nothing else. */
import { randomUUID } from 'node:crypto';
import type { Bytes } from './bytes.ts';
import { micros, type SimulatorClock, seconds } from './clock.ts';
import type * as model from './model.ts';
import type { Store, Table } from './store.ts';

/** Path of each service below the cloud's own prefix, as its catalog shows it. */
export const SERVICE_PATHS = {
  identity: '/identity/v3',
  compute: '/compute/v2.1',
  image: '/image',
  network: '/network',
  volumev3: '/volume/v3/$(project_id)s',
  placement: '/placement',
  baremetal: '/baremetal',
} as const;

/** Only the cloud that hosts are given to installs machines. */
export const offers = (cloud: SimulatedCloud, service: ServiceType): boolean =>
  service !== 'baremetal' || cloud.name === 'destination';

export type ServiceType = keyof typeof SERVICE_PATHS;

export interface SimulatedCloud {
  readonly name: string;
  readonly region: string;
  readonly bytes: Bytes;
  readonly maxPage: number;
  servers: Table<model.Server>;
  flavors: Table<model.Flavor>;
  migrations: Table<model.Migration>;
  hosts: Table<model.Host>;
  images: Table<model.Image>;
  networks: Table<model.Network>;
  subnets: Table<model.Subnet>;
  ports: Table<model.Port>;
  routers: Table<model.Router>;
  floatingIps: Table<model.FloatingIp>;
  volumes: Table<model.Volume>;
  assignments: Table<model.Assignment>;
  due: Table<model.Due>;
  nodes: Table<model.Node>;
  /** The machines of both clouds. */
  machines: Table<model.Machine>;
  /** Any other kind of object, by name. */
  table(kind: string): Table<model.Item>;
  now(): Date;
  /** Now as the services write it: whole seconds with Z, or with microseconds. */
  stamp(): string;
  stampMicros(): string;
  newId(): string;
  /** Like `newId` without dashes, as Keystone writes ids. */
  newHexId(): string;
  /** The next number of a named sequence. */
  next(sequence: string): number;
  /** Lets `task` happen to `subject` after so many believable seconds, counted from `since` (default: now). */
  later(after: number, task: string, subject: string, data?: model.Fields, since?: number): void;
  /** Root of the cloud, without a slash at the end. */
  origin(): string;
  /** Draws ids from `ids` while the workload is made; without it they are random again. */
  drawIdsFrom(ids?: () => string): void;
}

/** Where machines are kept, which belong to no cloud. */
export const ROOM = 'room';

export interface CloudSettings {
  name: string;
  region: string;
  store: Store;
  bytes: Bytes;
  clock: SimulatorClock;
  pace: number;
  maxPage: number;
  origin: () => string;
}

export function simulatedCloud(settings: CloudSettings): SimulatedCloud {
  const { name, store, clock, pace } = settings;
  const table = <T extends model.Item>(kind: string) => store.table<T>(name, kind);
  let newId: () => string = randomUUID;
  const due = table<model.Due>('due');
  const sequences = table('sequence');
  return {
    name,
    region: settings.region,
    bytes: settings.bytes,
    maxPage: settings.maxPage,
    ...tablesOf(table),
    machines: store.table<model.Machine>(ROOM, 'machine'),
    due,
    table: (kind) => table(kind),
    now: () => clock.now(),
    stamp: () => seconds(clock.now()),
    stampMicros: () => micros(clock.now()),
    newId: () => newId(),
    newHexId: () => newId().replaceAll('-', ''),
    next(sequence) {
      const value = Number(sequences.get(sequence)?.value ?? 0) + 1;
      sequences.put({ id: sequence, value });
      return value;
    },
    later(after, task, subject, data = {}, since = clock.now().getTime()) {
      due.put({ id: randomUUID(), at: since + after * pace * 1000, task, subject, data });
    },
    origin: () => `${settings.origin()}/${name}`,
    drawIdsFrom(ids) {
      newId = ids ?? randomUUID;
    },
  };
}

const tablesOf = (table: <T extends model.Item>(kind: string) => Table<T>) => ({
  servers: table<model.Server>('server'),
  flavors: table<model.Flavor>('flavor'),
  migrations: table<model.Migration>('migration'),
  hosts: table<model.Host>('host'),
  images: table<model.Image>('image'),
  networks: table<model.Network>('network'),
  subnets: table<model.Subnet>('subnet'),
  ports: table<model.Port>('port'),
  routers: table<model.Router>('router'),
  floatingIps: table<model.FloatingIp>('floatingip'),
  volumes: table<model.Volume>('volume'),
  assignments: table<model.Assignment>('assignment'),
  nodes: table<model.Node>('node'),
});

/** The address of a service, for a project where the catalog's address names one. */
export const serviceUrl = (cloud: SimulatedCloud, service: ServiceType, projectId = ''): string =>
  cloud.origin() + SERVICE_PATHS[service].replace('$(project_id)s', projectId);
