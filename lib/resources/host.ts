import type { WorldStatus } from '../domain/world.ts';
import type { Cloud } from '../ports.ts';
import { viewOf, type WorldListing } from './resource-type.ts';

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
