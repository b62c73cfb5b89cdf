/**
 * What the inside asks of the outside, on one page. `lib/runtime.ts` plugs the implementations in;
 * nothing else may know them.
 */
import type { Readable } from 'node:stream';
import type { EventData, EventName, PumphouseEvent } from './domain/event.ts';
import type { Operation } from './domain/operation.ts';
import type { Intent, PlanItem, Reference } from './domain/plan.ts';
import type { Schedule } from './domain/schedule.ts';
import type {
  CloudName,
  CloudState,
  View,
  WorldItem,
  WorldKey,
  WorldStatus,
  WorldType,
} from './domain/world.ts';

/** The services of a catalog that Pumphouse speaks to, by their type in the catalog. */
export type ServiceName =
  | 'identity'
  | 'compute'
  | 'image'
  | 'network'
  | 'volumev3'
  | 'placement'
  | 'baremetal'
  | 'load-balancer';

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface CallOptions {
  query?: Query;
  /** Microversion for this call, e.g. `2.90`; each service has a default, see `lib/openstack/microversions.ts`. */
  microversion?: string;
  /**
   * Milliseconds until the call is given up; the default is 60,000. For `download` and `upload`: how
   * long nothing may move, 300,000.
   */
  deadline?: number;
}

/** The bytes of an image on their way, and how many there will be if the cloud said so. */
export interface ByteStream {
  body: Readable;
  /** Bytes. */
  size?: number;
}

/**
 * One OpenStack cloud, spoken to with one scope. Paths are relative to the service's endpoint
 * (`/servers/detail`, `/v2.0/ports` for network, `/v2/images` for image, `/users` for identity,
 * `/v1/nodes` for baremetal, `/v2/lbaas/loadbalancers` for load-balancer).
 * Every failure is a `PumphouseError`: see `lib/openstack/failure.ts` for which status becomes which name.
 */
export interface Cloud {
  readonly name: CloudName;
  get<T>(service: ServiceName, path: string, options?: CallOptions): Promise<T>;
  /** Every item of a collection, page after page, as the service pages (links or marker). */
  list<T>(service: ServiceName, path: string, key: string, options?: CallOptions): AsyncIterable<T>;
  post<T>(service: ServiceName, path: string, body: unknown, options?: CallOptions): Promise<T>;
  put<T>(service: ServiceName, path: string, body: unknown, options?: CallOptions): Promise<T>;
  patch<T>(service: ServiceName, path: string, body: unknown, options?: CallOptions): Promise<T>;
  /** Deletes; an object that is already gone (404) is a success. */
  delete(service: ServiceName, path: string, options?: CallOptions): Promise<void>;
  /** Opens a body for streaming, with back-pressure. The caller consumes or destroys it. */
  download(service: ServiceName, path: string, options?: CallOptions): Promise<ByteStream>;
  /** Sends a body of unknown or known size; memory stays constant whatever the size. */
  upload(
    service: ServiceName,
    path: string,
    bytes: ByteStream,
    options?: CallOptions,
  ): Promise<void>;
  /** True when the catalog offers the service in our region. */
  offers(service: ServiceName): Promise<boolean>;
  /** The user and project that this scope's token acts as. */
  self(): Promise<{ userId: string; projectId: string; roles: string[] }>;
  /** The same user acting in another project of this cloud. Needs a password, not an application credential. */
  scopedTo(projectId: string): Cloud;
}

/** Time comes in as an argument so that tests own it. */
export interface Clock {
  now(): Date;
  /** Milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/** What a step hands over to be recorded; the store gives it its number and its time. */
export interface NewEvent {
  operation: string;
  /** Unique within the operation; the same step leaves one event however often it runs. */
  step: string;
  name: EventName;
  data: EventData;
  /** A number of the stream from before the step's first attempt; where the search for a repeat starts. */
  after?: number;
  last?: true;
}

/** The streams of events: one per operation, numbered from 1 without gaps. */
export interface EventStore {
  /** Appends the event, or answers the one that the same step left before. */
  append(event: NewEvent): Promise<PumphouseEvent>;
  /** Events after a number, in order, at most `limit`; strongly consistent. */
  read(operation: string, after: number, limit?: number): Promise<PumphouseEvent[]>;
  /** The stream's last number, 0 when there is none. */
  tail(operation: string): Promise<number>;
  /** Events of all operations from an ISO time on, by time, page after page; may lag behind by a moment. */
  since(at: string): AsyncIterable<PumphouseEvent>;
}

/** What a listing saw of one object. */
export interface Observation extends WorldKey {
  view: View;
  observed?: WorldStatus;
}

/** The world as it stands in the table. */
export interface WorldStore {
  /** Does to the world what the event says; safe to repeat, and late repeats change nothing. */
  apply(event: PumphouseEvent): Promise<void>;
  /** Everything, partitions in parallel. */
  read(): Promise<{ items: WorldItem[]; clouds: CloudState[] }>;
  get(key: WorldKey): Promise<WorldItem | undefined>;
  list(cloud: CloudName, type: WorldType): Promise<WorldItem[]>;
  /** As `list`, with what has been removed of late: what a listing is compared with. */
  remembered(cloud: CloudName, type: WorldType): Promise<WorldItem[]>;
  /** Brings one observation in, unless the item has changed since `seen` was read. */
  observe(observation: Observation, seen: WorldItem | undefined): Promise<void>;
  /** A listing missed the item: the first time marks it, the second removes it. */
  miss(seen: WorldItem): Promise<void>;
  putCloud(state: CloudState): Promise<void>;
}

/** Operations and the locks they hold. */
export interface OperationStore {
  /**
   * Takes the subject's lock, which is the operation itself.
   * @throws OperationInProgress with `details.operation` when another one holds it
   */
  begin(operation: Operation): Promise<Operation>;
  get(id: string): Promise<Operation | undefined>;
  running(): Promise<Operation[]>;
  /** Every operation that is kept, newest first, from the one after `marker` on; may lag by a moment. */
  list(marker?: Operation): AsyncIterable<Operation>;
  /**
   * Notes that it is to stop, unless it has ended; the first time holds. Answers it as it then
   * stands, or nothing when nobody knows it.
   */
  cancel(id: string): Promise<Operation | undefined>;
  /**
   * Notes that a person has to confirm a step before it goes on, unless it has ended or gone on to
   * another turn than it was read in. Answers it as it then stands.
   */
  pause(operation: Pick<Operation, 'id' | 'turn'>, step: string): Promise<Operation | undefined>;
  /** The wait for that step is over: it goes on in its next turn. Nothing else changes it. */
  proceed(id: string, step: string): Promise<Operation | undefined>;
  /** Writes down how it ended and lets the subject go. */
  end(operation: Operation, status: '' | 'error', reason?: string): Promise<void>;
  /**
   * Takes a lock on one object for an operation, or for a part of it (`<id>/<part>`); false while
   * another holder, whose operation runs, has it.
   */
  lock(operation: string, key: string): Promise<boolean>;
  unlock(operation: string, key: string): Promise<void>;
}

/** Plans, their items, and the record of what Pumphouse made. */
export interface PlanStore {
  put(items: readonly PlanItem[]): Promise<void>;
  list(operation: string): Promise<PlanItem[]>;
  /** @throws ResourceNotFound */
  get(operation: string, reference: Reference): Promise<PlanItem>;
  /** Notes that a step begins, before its first call; a repeated step gets its first intent back. */
  intend(item: PlanItem, step: string): Promise<Intent>;
  /** Changes some attributes of an item and answers it as it then stands. */
  update(item: PlanItem, change: PlanChange): Promise<PlanItem>;
  /** What Pumphouse itself made at the destination for a source object, in whatever operation. */
  made(reference: Reference): Promise<string | undefined>;
  remember(reference: Reference, destinationId: string, operation: string): Promise<void>;
}

export interface PlanChange {
  state?: PlanItem['state'];
  destinationId?: string;
  reason?: string;
  notes?: PlanItem['notes'];
}

/** Starts and looks after executions of state machines. */
export interface Workflows {
  /** Starts the operation's machine under the operation's id; one that runs already is left alone. */
  start(operation: Operation): Promise<void>;
  /** What became of it; `absent` when it was never started. */
  status(operation: Operation): Promise<'absent' | 'running' | 'succeeded' | 'failed'>;
}

/** Schedules as they stand in the table: what operators see of them, and what is due. */
export interface Timetable {
  /** Writes a new one, or answers the one that already has its id. */
  add(schedule: Schedule): Promise<Schedule>;
  get(id: string): Promise<Schedule | undefined>;
  /** Every schedule that is kept, those that will not be due again too. */
  list(): Promise<Schedule[]>;
  /** Notes that what fires it knows it; false when it was removed meanwhile. */
  arm(id: string): Promise<boolean>;
  /** Notes that a due time could not be served yet; it is tried again. */
  postpone(id: string, trying: { due: string; reason: string }): Promise<void>;
  /**
   * Notes which operation a due time became; what is due next follows from it, or that nothing is.
   * A repeat, and one that comes after a later one, change nothing.
   */
  serve(id: string, last: { due: string; operation: string }, next?: string): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
}

/** What fires schedules: it calls `start-scheduled-evacuation` at each due time, at least once. */
export interface Schedules {
  /** Takes a schedule up; one that it has already is left alone. */
  put(schedule: Schedule): Promise<void>;
  /** Forgets one; one that is not there is a success. */
  remove(id: string): Promise<void>;
}
