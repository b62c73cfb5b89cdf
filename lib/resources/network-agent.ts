/** Neutron's agents on a host. */
import { isError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { all } from './resource-type.ts';

interface NetworkAgent {
  id: string;
  host: string;
}

/** None where Neutron has no agents at all: https://docs.openstack.org/api-ref/network/v2/#list-all-agents */
export const agentsOn = async (cloud: Cloud, host: string): Promise<NetworkAgent[]> => {
  const query = { host };
  try {
    const agents = cloud.list<NetworkAgent>('network', '/v2.0/agents', 'agents', { query });
    return (await all(agents)).filter((agent) => agent.host === host);
  } catch (error) {
    if (isError(error, 'ResourceNotFound')) return [];
    throw error;
  }
};

export const removeAgent = (cloud: Cloud, id: string): Promise<void> =>
  cloud.delete('network', `/v2.0/agents/${id}`);
