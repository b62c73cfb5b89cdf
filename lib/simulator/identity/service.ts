/** Keystone v3. */
import type { SimulatedCloud } from '../cloud.ts';
import { type Answer, type Call, ok, type Service } from '../router.ts';
import { assignmentRoutes } from './assignments.ts';
import { catalogRoutes } from './catalog.ts';
import { collectionRoutes } from './collections.ts';
import { credentialRoutes } from './credentials.ts';
import { membershipRoutes } from './memberships.ts';
import { openTokenRoutes, tokenRoutes } from './tokens.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Request Entity Too Large',
};

const versionOf = (cloud: SimulatedCloud) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${cloud.origin()}/identity/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});

const versions = ({ cloud }: Call): Answer => ({
  status: 300,
  body: { versions: { values: [versionOf(cloud)] } },
  headers: { Location: `${cloud.origin()}/identity/v3/` },
});

const refuse: Service['refuse'] = (refusal) => ({
  status: refusal.status,
  body: {
    error: {
      code: refusal.status,
      message: refusal.message || 'The requested URL was not found on the server.',
      title: TITLES[refusal.status] ?? 'Error',
    },
  },
});

export const identityVersions: Service = {
  name: 'identity',
  prefix: '/identity',
  open: { 'GET /': versions },
  routes: {},
  refuse,
};

export const identityService: Service = {
  name: 'identity',
  prefix: '/identity/v3',
  open: { 'GET /': ({ cloud }) => ok({ version: versionOf(cloud) }), ...openTokenRoutes },
  routes: {
    ...tokenRoutes,
    ...collectionRoutes,
    ...catalogRoutes,
    ...assignmentRoutes,
    ...membershipRoutes,
    ...credentialRoutes,
  },
  refuse,
};
