/** The world: what both clouds hold, as `GET /resources` shows it. */

export type CloudName = 'source' | 'destination';
export const CLOUD_NAMES: readonly CloudName[] = ['source', 'destination'];

/** Where an object of the world is; a host on its way from one cloud to the other is in `none`. */
export type Place = CloudName | 'none';

/** Everything the world lists, in the order `GET /resources` lists it. */
export const WORLD_TYPES = [
  'tenant',
  'host',
  'server',
  'image',
  'flavor',
  'network',
  'subnet',
  'router',
  'port',
  'floating_ip',
  'secgroup',
  'keypair',
  'volume',
  'domain',
  'user',
  'group',
  'role',
] as const;
export type WorldType = (typeof WORLD_TYPES)[number];

/** The one vocabulary of statuses; a status that is not true is absent. */
export type WorldStatus =
  | 'migration'
  | 'evacuation'
  | 'provisioning'
  | 'error'
  | 'blocked'
  | 'available';

/** What is shown of an object: flat, no secrets, absent rather than null. */
export type View = Record<string, string | number | boolean | string[]>;

/** Names one object of the world. Ids are opaque; a host's id is its name. */
export interface WorldKey {
  cloud: Place;
  type: WorldType;
  id: string;
}

/** One object as it stands in the table. */
export interface WorldItem extends WorldKey {
  view: View;
  /** What operations say of it; wins over `observed`. Written by events alone. */
  status?: WorldStatus;
  /** Why, where `status` is an error; goes with it. */
  reason?: string;
  /** What the cloud said of it when last looked at. */
  observed?: WorldStatus;
  /** The operation whose event touched it last. */
  operation?: string;
  /** Grows by one with each write. */
  version: number;
  /** True after one listing missed it; a second one removes it. */
  missed?: true;
  /** True once it is removed; remembered for a while so that a late repeat cannot bring it back. */
  gone?: true;
  /** The number of the last event applied, by operation. */
  applied?: Record<string, number>;
}

/** Whether and when a cloud was last listed whole. */
export interface CloudState {
  cloud: CloudName;
  urls: Record<string, string>;
  listedAt?: string;
  /** Why the last listing failed; absent when it did not. */
  error?: string;
}

/** The status to show, if any: an operation's word, else the cloud's. */
export const shownStatus = (item: Pick<WorldItem, 'status' | 'observed'>) =>
  item.status ?? item.observed;
