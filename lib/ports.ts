/**
 * What the inside asks of the outside, on one page. `lib/runtime.ts` plugs the implementations in;
 * nothing else may know them.
 */
import type { Readable } from 'node:stream';
import type { CloudName } from './domain/world.ts';

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
  /** Milliseconds until the call is given up; the default is 60,000. */
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
 * (`/servers/detail`, `/v2.0/ports` for network, `/v2/images` for image, `/users` for identity).
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
