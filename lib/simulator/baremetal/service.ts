/** Ironic v1 with microversions up to 1.82 and hardware that is fake: https://docs.openstack.org/api-ref/baremetal/ */
import { offers, type SimulatedCloud } from '../cloud.ts';
import { Refusal } from '../refusal.ts';
import { type Call, type Handler, ok, type Routes, type Service } from '../router.ts';
import { nodeRoutes } from './nodes.ts';
import { portRoutes } from './ports.ts';
import { stateRoutes } from './states.ts';

const MAX = 82;

const versionOne = (cloud: SimulatedCloud) => ({
  id: 'v1',
  links: [{ href: `${cloud.origin()}/baremetal/v1/`, rel: 'self' }],
  status: 'CURRENT',
  min_version: '1.1',
  version: `1.${MAX}`,
});

/** Bare metal is for administrators alone, and only one of the clouds has it. */
const guarded = (handler: Handler) => (call: Call) => {
  if (!offers(call.cloud, 'baremetal')) throw new Refusal(404, 'Not Found');
  if (!call.who.admin) throw new Refusal(403, 'Access was denied to the requested resource');
  return handler(call);
};

const routes: Routes = {
  ...nodeRoutes,
  ...portRoutes,
  ...stateRoutes,
  'GET /v1/drivers': () =>
    ok({ drivers: [{ name: 'fake-hardware', hosts: ['destination'], type: 'dynamic' }] }),
};

export const baremetalService: Service = {
  name: 'baremetal',
  prefix: '/baremetal',
  versions: {
    ...{ name: 'baremetal', major: 1, min: 1, max: MAX },
    header: 'X-OpenStack-Ironic-API-Version',
  },
  open: {
    'GET /': ({ cloud }) =>
      ok({
        name: 'OpenStack Ironic API',
        default_version: versionOne(cloud),
        versions: [versionOne(cloud)],
      }),
    'GET /v1': ({ cloud }) => ok({ id: 'v1', version: versionOne(cloud) }),
  },
  routes: Object.fromEntries(
    Object.entries(routes).map(([key, handler]) => [key, guarded(handler)]),
  ),
  refuse: ({ status, message }) => {
    if (status === 401) return { status, body: { error: { code: 401, message } } };
    const fault = { faultcode: 'Client', faultstring: message || 'Not Found', debuginfo: null };
    return { status, body: { error_message: JSON.stringify(fault) } };
  },
};
