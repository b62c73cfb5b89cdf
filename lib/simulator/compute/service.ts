/** Nova v2.1 with microversions up to 2.93. */
import type { SimulatedCloud } from '../cloud.ts';
import { ok, type Service } from '../router.ts';
import { actionRoutes } from './actions.ts';
import { aggregateRoutes } from './aggregates.ts';
import { attachmentRoutes } from './attachments.ts';
import { flavorRoutes } from './flavors.ts';
import { serverGroupRoutes } from './groups.ts';
import { hostRoutes } from './hosts.ts';
import { hypervisorRoutes } from './hypervisors.ts';
import { interfaceRoutes } from './interfaces.ts';
import { keypairRoutes } from './keypairs.ts';
import { migrationRoutes } from './migrations.ts';
import { quotaRoutes } from './quotas.ts';
import { serverRoutes } from './servers.ts';
import { textRoutes } from './texts.ts';

const FAULTS: Record<number, string> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
};

const links = (cloud: SimulatedCloud, version: string) => [
  { rel: 'self', href: `${cloud.origin()}/compute/${version}/` },
];

const current = (cloud: SimulatedCloud) => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: '2.93',
  min_version: '2.1',
  updated: '2013-07-23T11:33:21Z',
  links: links(cloud, 'v2.1'),
});

const old = (cloud: SimulatedCloud) => ({
  id: 'v2.0',
  status: 'SUPPORTED',
  version: '',
  min_version: '',
  updated: '2011-01-21T11:33:21Z',
  links: links(cloud, 'v2'),
});

const refuse: Service['refuse'] = (refusal) => {
  if (refusal.status === 401)
    return {
      status: 401,
      body: { error: { code: 401, title: 'Unauthorized', message: refusal.message } },
    };
  const key = FAULTS[refusal.status] ?? 'computeFault';
  const message = refusal.message || 'The resource could not be found.';
  return { status: refusal.status, body: { [key]: { code: refusal.status, message } } };
};

export const computeVersions: Service = {
  name: 'compute',
  prefix: '/compute',
  open: { 'GET /': ({ cloud }) => ok({ versions: [old(cloud), current(cloud)] }) },
  routes: {},
  refuse,
};

export const computeService: Service = {
  name: 'compute',
  prefix: '/compute/v2.1',
  versions: { name: 'compute', major: 2, min: 1, max: 93 },
  open: {
    'GET /': ({ cloud }) =>
      ok({
        version: {
          ...current(cloud),
          'media-types': [
            {
              base: 'application/json',
              type: 'application/vnd.openstack.compute+json;version=2.1',
            },
          ],
        },
      }),
  },
  routes: {
    ...serverRoutes,
    ...actionRoutes,
    ...textRoutes,
    ...attachmentRoutes,
    ...interfaceRoutes,
    ...migrationRoutes,
    ...flavorRoutes,
    ...keypairRoutes,
    ...serverGroupRoutes,
    ...quotaRoutes,
    ...hostRoutes,
    ...aggregateRoutes,
    ...hypervisorRoutes,
  },
  refuse,
};
