/**
 * The microversions that Pumphouse speaks. Ours are those of the Xena release (2021); a cloud as old
 * as Queens (2018) is spoken to in its own highest. What a call needs beyond that, or what a newer
 * version takes away, it names itself.
 *
 * Source: each service's `rest_api_version_history`.
 */
import { PumphouseError } from '../domain/errors.ts';
import type { ServiceName } from '../ports.ts';

export interface Microversions {
  /** The highest we ask for. */
  ours: string;
  /** The lowest we can work with. */
  floor: string;
}

/**
 * Xena. Whole flavor in a server (2.47), services by UUID (2.53), migrations paged (2.59), extra
 * specs in flavors (2.61), policies of server groups (2.64), reason of a lock (2.73), owner in
 * migrations (2.80), host name of a server (2.90). From 2.88 on hypervisors do not tell what they
 * have in use: name 2.87 for that.
 */
export const COMPUTE: Microversions = { ours: '2.90', floor: '2.60' };
/** Xena. Queens has 3.50 (multi-attach); type ids with volumes come with 3.63. */
export const VOLUME: Microversions = { ours: '3.66', floor: '3.50' };
/** Train up to Xena: generations of consumers (1.28) and of trees; 1.38 asks for consumer types. */
export const PLACEMENT: Microversions = { ours: '1.36', floor: '1.17' };
/** Xena. */
export const BAREMETAL: Microversions = { ours: '1.78', floor: '1.38' };

const VERSIONED: Partial<Record<ServiceName, Microversions>> = {
  compute: COMPUTE,
  volumev3: VOLUME,
  placement: PLACEMENT,
  baremetal: BAREMETAL,
};

export const hasMicroversions = (service: ServiceName): boolean => service in VERSIONED;

/** The header that asks for a microversion; none for services without. */
export const microversionHeader = (
  service: ServiceName,
  version: string | undefined,
): Record<string, string> => {
  if (version === undefined || !hasMicroversions(service)) return {};
  if (service === 'baremetal') return { 'x-openstack-ironic-api-version': version };
  return { 'openstack-api-version': `${service === 'volumev3' ? 'volume' : service} ${version}` };
};

/** Below 0 when `a` is the older. */
const compare = (a: string, b: string): number => {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
};

export interface Range {
  min: string;
  max: string;
}

interface VersionEntry {
  /** Placement calls it `max_version`. */
  version?: string;
  max_version?: string;
  min_version?: string;
}

interface VersionDocument {
  version?: VersionEntry | string;
  versions?: VersionEntry[];
  default_version?: VersionEntry;
}

/** The range in a service's version document, whichever shape it has. */
export const rangeIn = (document: unknown): Range | undefined => {
  const { version, versions, default_version } = (document ?? {}) as VersionDocument;
  const entries = [version, default_version, ...(versions ?? [])];
  for (const entry of entries) {
    if (typeof entry !== 'object' || entry === null) continue;
    const max = entry.max_version ?? entry.version;
    if (max && entry.min_version) return { min: entry.min_version, max };
  }
  return undefined;
};

/**
 * Where a service tells its range: its endpoint without a project behind the version. Ironic tells
 * it at the root.
 */
export const versionUrl = (endpoint: string): URL => {
  const versioned = /^(.*\/v\d+(\.\d+)?)(\/[^/]*)?$/.exec(endpoint)?.[1];
  return new URL(`${versioned ?? endpoint}/`);
};

/**
 * The highest version that both have.
 *
 * Errors: RequestRefused when the cloud is too old, or has done away with ours.
 */
export const negotiate = (
  cloud: string,
  service: ServiceName,
  range: Range | undefined,
): string => {
  const { ours, floor } = VERSIONED[service] ?? { ours: '', floor: '' };
  const max = range?.max ?? '0';
  const chosen = compare(max, ours) < 0 ? max : ours;
  if (compare(chosen, floor) >= 0 && compare(chosen, range?.min ?? '0') >= 0) return chosen;
  const has = range === undefined ? 'has no microversions' : `has ${range.min} to ${range.max}`;
  throw new PumphouseError(
    'RequestRefused',
    `${cloud} ${service} ${has}, Pumphouse needs ${floor} to ${ours} (Queens or newer)`,
    { call: { cloud }, details: { service, floor, ours, ...range } },
  );
};
