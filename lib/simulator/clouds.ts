/** The `clouds.yaml` by which every OpenStack client finds the simulated clouds. */
import { stringify } from 'yaml';
import { tenantPlans } from './workload/company.ts';
import type { Secrets } from './workload/people.ts';

const REGIONS: Record<string, string> = { source: 'region-src', destination: 'region-dst' };

export const regionOf = (cloud: string): string => REGIONS[cloud] ?? cloud;

const entry = (url: string, cloud: string, auth: Record<string, string>, more = {}) => ({
  auth: { auth_url: `${url}/${cloud}/identity/v3`, ...auth },
  region_name: regionOf(cloud),
  identity_api_version: 3,
  interface: 'public',
  ...more,
});

const password = (user: string, secret: string, project: string, domain: string) => ({
  username: user,
  password: secret,
  project_name: project,
  user_domain_name: domain,
  project_domain_name: domain,
});

/** What Pumphouse has to know to install hosts there: the image that makes a machine a compute host. */
const IRONIC = { image: 'http://images.example/compute-host.qcow2' };

/** Entries `source` and `destination` (admin), `source-appcred`, and `source-<tenant>` (its operator). */
export function cloudsYaml(url: string, secrets: Secrets, tenants: number): string {
  const admin = password('admin', secrets.admin, 'admin', 'Default');
  const members = tenantPlans(tenants).map(({ name, people, domain }) => {
    const home = domain === 'corp' ? 'corp' : 'Default';
    const auth = password(people[0], secrets.tenants[name] ?? '', name, home);
    return [`source-${name}`, entry(url, 'source', auth)];
  });
  const credential = {
    application_credential_name: 'pumphouse',
    application_credential_secret: secrets.credential,
    username: 'admin',
    user_domain_name: 'Default',
  };
  return stringify({
    clouds: {
      source: entry(url, 'source', admin),
      destination: entry(url, 'destination', admin, { pumphouse: { ironic: IRONIC } }),
      'source-appcred': entry(url, 'source', credential, { auth_type: 'v3applicationcredential' }),
      ...Object.fromEntries(members),
    },
  });
}
