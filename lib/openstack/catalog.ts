/** Which endpoint of Keystone's catalog serves what, and where its paths begin. */
import { PumphouseError } from '../domain/errors.ts';
import type { ServiceName } from '../ports.ts';
import type { CloudConfig } from './cloud-config.ts';

/** As in the answer to `POST /v3/auth/tokens`. */
export interface CatalogEntry {
  type: string;
  name?: string;
  endpoints: {
    url: string;
    interface: string;
    region?: string | null;
    region_id?: string | null;
  }[];
}

/**
 * The types that a catalog may list a service under, ours first.
 * Source: https://service-types.openstack.org/
 */
export const CATALOG_TYPES: Record<ServiceName, readonly string[]> = {
  identity: ['identity'],
  compute: ['compute'],
  image: ['image'],
  network: ['network'],
  volumev3: ['volumev3', 'block-storage', 'block-store'],
  placement: ['placement'],
  baremetal: ['baremetal', 'bare-metal'],
  'load-balancer': ['load-balancer'],
};

export const SERVICE_NAMES = Object.keys(CATALOG_TYPES) as ServiceName[];

/**
 * Deployments differ in whether the catalog's URL includes the version. Our paths begin after the
 * version for identity (`/users`), compute and volume, and with it for the others (`/v2/images`,
 * `/v2.0/ports`, `/v1/nodes`, `/v2/lbaas/loadbalancers`).
 */
const withoutVersion = (url: string): string => url.replace(/\/v\d+(\.\d+)?$/, '');

const BASES: Partial<Record<ServiceName, (url: string) => string>> = {
  identity: (url) => `${withoutVersion(url)}/v3`,
  image: withoutVersion,
  network: withoutVersion,
  baremetal: withoutVersion,
  'load-balancer': withoutVersion,
};

const regionsOf = (entries: readonly CatalogEntry[]): string[] => [
  ...new Set(
    entries.flatMap((entry) =>
      entry.endpoints.map((endpoint) => endpoint.region_id ?? endpoint.region ?? ''),
    ),
  ),
];

const ambiguous = (config: CloudConfig, regions: string[]): PumphouseError =>
  new PumphouseError(
    'InvalidRequest',
    `cloud "${config.entry}": region_name is missing, and the catalog has ${regions.join(', ')}`,
    { details: { cloud: config.entry, field: 'region_name' } },
  );

/** The catalog's URL of a service in our region and interface, as the catalog writes it. */
const catalogUrl = (
  config: CloudConfig,
  catalog: readonly CatalogEntry[],
  service: ServiceName,
): string | undefined => {
  for (const type of CATALOG_TYPES[service]) {
    const entries = catalog.filter((entry) => entry.type === type);
    const regions = regionsOf(entries);
    if (config.regionName === undefined && regions.length > 1) throw ambiguous(config, regions);
    const found = entries
      .flatMap((entry) => entry.endpoints)
      .find(
        (endpoint) =>
          endpoint.interface.replace(/URL$/, '') === config.interface &&
          (config.regionName === undefined ||
            (endpoint.region_id ?? endpoint.region) === config.regionName),
      );
    if (found !== undefined) return found.url;
  }
  return undefined;
};

/**
 * The URL that the paths of a service follow, without a slash at its end; undefined when the cloud
 * does not offer it. An `*_endpoint_override` wins. Identity is always there: at `auth_url`, if the
 * catalog does not list it in our region.
 *
 * Errors: InvalidRequest when the catalog has several regions and none is chosen.
 */
export const endpointOf = (
  config: CloudConfig,
  catalog: readonly CatalogEntry[],
  service: ServiceName,
): string | undefined => {
  const url =
    config.endpointOverrides[service] ??
    catalogUrl(config, catalog, service) ??
    (service === 'identity' ? config.authUrl : undefined);
  if (url === undefined) return undefined;
  const plain = url.replace(/\/+$/, '');
  return BASES[service]?.(plain) ?? plain;
};
