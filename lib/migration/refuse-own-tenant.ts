import { PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import type { Project } from '../resources/tenant.ts';
import type { Discovered } from './discover.ts';

/** Projects in which OpenStack's own services live, by the names that deployments give them. */
const SERVICE_PROJECTS = ['service', 'services'];

const bodyOf = ({ body }: Discovered) => body;

/**
 * Refuses tenants that are nobody's workload.
 * @throws InvalidRequest for our own project and for the services'
 */
export const refuseOwnTenant = async (source: Cloud, objects: readonly Discovered[]) => {
  const [{ name, id }] = objects.filter(({ type }) => type === 'tenant').map(bodyOf) as [Project];
  const refuse = (why: string) => {
    const message = `Tenant ${name} is ${why}; it cannot be migrated`;
    return new PumphouseError('InvalidRequest', message, { details: { unprocessable: true } });
  };
  if (SERVICE_PROJECTS.includes(name)) throw refuse("the project of OpenStack's own services");
  if (id === (await source.self()).projectId) throw refuse('the project Pumphouse itself acts in');
};
