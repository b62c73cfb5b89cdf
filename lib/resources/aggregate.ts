/** Host aggregates: https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { all } from './resource-type.ts';

interface Aggregate {
  id: number;
  name: string;
  hosts: string[];
}

/** @throws ResourceNotFound */
export const findAggregate = async (cloud: Cloud, name: string): Promise<Aggregate> => {
  const aggregates = await all(cloud.list<Aggregate>('compute', '/os-aggregates', 'aggregates'));
  const found = aggregates.find((one) => one.name === name || String(one.id) === name);
  if (found) return found;
  throw new PumphouseError('ResourceNotFound', `The ${cloud.name} has no aggregate ${name}`);
};

const act = (cloud: Cloud, { id }: Aggregate, action: object) =>
  cloud.post('compute', `/os-aggregates/${id}/action`, action);

/** Idempotent. @throws ResourceNotFound */
export const joinAggregate = async (cloud: Cloud, name: string, host: string): Promise<void> => {
  const aggregate = await findAggregate(cloud, name);
  if (!aggregate.hosts.includes(host)) await act(cloud, aggregate, { add_host: { host } });
};

/** Idempotent; an aggregate that is gone has been left. */
export const leaveAggregate = async (cloud: Cloud, name: string, host: string): Promise<void> => {
  try {
    const aggregate = await findAggregate(cloud, name);
    if (aggregate.hosts.includes(host)) await act(cloud, aggregate, { remove_host: { host } });
  } catch (error) {
    if (!isError(error, 'ResourceNotFound')) throw error;
  }
};
