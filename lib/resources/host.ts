import { isError } from '../domain/errors.ts';
import type { WorldStatus } from '../domain/world.ts';
import type { Cloud } from '../ports.ts';
import { all, viewOf, type WorldListing } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/compute/#compute-services-os-services */
export interface ComputeService {
  /** A UUID, since microversion 2.53. */
  id: string;
  host: string;
  status: 'enabled' | 'disabled';
  /** `up` while it reports, or was heard of less than Nova's `service_down_time` ago. */
  state: 'up' | 'down';
  disabled_reason: string | null;
  /** True when an operator declared it dead. */
  forced_down: boolean;
}

/** The hosts of a cloud are its nova-compute services; a host has one. */
export const computeServices = (cloud: Cloud): AsyncIterable<ComputeService> =>
  cloud.list<ComputeService>('compute', '/os-services', 'services', {
    query: { binary: 'nova-compute' },
  });

/**
 * What can be said of a host. Of a cell that Nova does not reach only `status: UNKNOWN` is listed,
 * and no `state`.
 */
export const hostStatus = ({ status, state, forced_down }: ComputeService): WorldStatus => {
  if (state !== 'up' || forced_down) return 'error';
  return status === 'disabled' ? 'blocked' : 'available';
};

/** The nova-compute of a host of exactly this name; nothing when the cloud has none. */
export const findComputeService = async (
  cloud: Cloud,
  name: string,
): Promise<ComputeService | undefined> => {
  const query = { binary: 'nova-compute', host: name };
  const listed = cloud.list<ComputeService>('compute', '/os-services', 'services', { query });
  for await (const service of listed) if (service.host === name) return service;
  return undefined;
};

/** @see https://docs.openstack.org/api-ref/compute/#update-compute-service, by UUID since 2.53 */
export const changeService = (
  cloud: Cloud,
  { id }: ComputeService,
  change: { status: 'enabled' } | { status: 'disabled'; disabled_reason: string },
) => cloud.put('compute', `/os-services/${id}`, change);

/** Nova refuses while servers or migrations are there; a service that is gone is a success. */
export const deleteService = (cloud: Cloud, { id }: ComputeService): Promise<void> =>
  cloud.delete('compute', `/os-services/${id}`);

/**
 * True once the host is mapped to a cell, without which nothing is placed on it: only then its
 * hypervisor is listed (nova/api/openstack/compute/hypervisors.py skips HostMappingNotFound).
 */
export const isMapped = async (cloud: Cloud, name: string): Promise<boolean> => {
  const [short = name] = name.split('.');
  const query = { hypervisor_hostname_pattern: short };
  const path = '/os-hypervisors/detail';
  const listed = cloud.list<{ service: { host: string } }>('compute', path, 'hypervisors', {
    query,
  });
  try {
    for await (const { service } of listed) if (service.host === name) return true;
  } catch (error) {
    if (!isError(error, 'ResourceNotFound')) throw error;
  }
  return false;
};

/** States in which a migration is over (nova/objects/migration.py `get_in_progress_by_host_and_node`). */
const OVER = ['confirmed', 'reverted', 'error', 'failed', 'completed', 'cancelled', 'done'];

/** How many migrations from or to a host are not over; an unconfirmed one is not. */
export const migrationsInProgress = async (cloud: Cloud, name: string): Promise<number> => {
  const migrations = await all(
    cloud.list<{ status: string }>('compute', '/os-migrations', 'migrations', {
      query: { host: name },
    }),
  );
  return migrations.filter(({ status }) => !OVER.includes(status)).length;
};

/** Hosts are not migrated: they only stand in the world, by their name. */
export const host: { readonly world: WorldListing<ComputeService> } = {
  world: {
    type: 'host',
    list: computeServices,
    id: ({ host: name }) => name,
    view: ({ host: name }) => viewOf({ name }),
    observed: hostStatus,
  },
};
