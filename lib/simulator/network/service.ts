/** Neutron v2.0. */
import { ok, type Routes, type Service } from '../router.ts';
import { agentRoutes } from './agents.ts';
import { collection, tags } from './collection.ts';
import { FLOATING_IPS } from './floating.ts';
import { NETWORKS, SUBNETS } from './networks.ts';
import { PORTS } from './ports.ts';
import { quotaRoutes } from './quotas.ts';
import { interfaceRoutes, ROUTERS } from './routers.ts';
import { SECURITY_GROUP_RULES, SECURITY_GROUPS } from './security.ts';

const EXTENSIONS = [
  ...['address-scope', 'agent', 'allowed-address-pairs', 'auto-allocated-topology'],
  ...['availability_zone', 'binding', 'binding-extended', 'default-subnetpools', 'dns-integration'],
  ...['ext-gw-mode', 'external-net', 'extra_dhcp_opt', 'extraroute', 'fip-port-details'],
  ...['floating-ip-portforwarding', 'multi-provider', 'net-mtu', 'net-mtu-writable', 'pagination'],
  ...['port-security', 'project-id', 'provider', 'quota_details', 'quotas', 'rbac-policies'],
  ...['revision-if-match', 'router', 'router_availability_zone', 'security-group', 'sorting'],
  ...['standard-attr-description', 'standard-attr-revisions', 'standard-attr-tag'],
  ...['standard-attr-timestamp', 'stateful-security-group', 'subnet-service-types'],
  ...['subnet_allocation', 'subnetpool-prefix-ops'],
];

const extension = (alias: string) => ({
  alias,
  name: alias,
  description: '',
  updated: '2022-10-05T00:00:00-00:00',
  links: [],
});

/** Things that exist in a real cloud, and of which ours has none. */
const EMPTY = ['availability_zones', 'subnetpools', 'address_scopes', 'rbac_policies'];

const otherRoutes: Routes = {
  ...Object.fromEntries(
    EMPTY.map((name) => [
      `GET /v2.0/${name.replace('rbac_', 'rbac-').replace('address_', 'address-')}`,
      () => ok({ [name]: [] }),
    ]),
  ),
  'GET /v2.0/extensions': () => ok({ extensions: EXTENSIONS.map(extension) }),
  'GET /v2.0/extensions/:alias': (call) => ok({ extension: extension(call.param('alias')) }),
};

const named = (name: string, href: string) => ({
  name,
  collection: `${name}s`,
  links: [{ rel: 'self', href: `${href}/${name}s` }],
});

export const networkService: Service = {
  name: 'network',
  prefix: '/network',
  open: {
    'GET /': ({ cloud }) =>
      ok({
        versions: [
          {
            id: 'v2.0',
            status: 'CURRENT',
            links: [{ rel: 'self', href: `${cloud.origin()}/network/v2.0/` }],
          },
        ],
      }),
  },
  routes: {
    'GET /v2.0': ({ cloud }) => {
      const href = `${cloud.origin()}/network/v2.0`;
      return ok({ resources: ['network', 'subnet', 'port'].map((name) => named(name, href)) });
    },
    ...collection(NETWORKS),
    ...collection(SUBNETS),
    ...collection(PORTS),
    ...collection(ROUTERS),
    ...collection(FLOATING_IPS),
    ...collection(SECURITY_GROUPS),
    ...collection(SECURITY_GROUP_RULES),
    ...tags(NETWORKS),
    ...tags(SUBNETS),
    ...tags(PORTS),
    ...tags(ROUTERS),
    ...tags(FLOATING_IPS),
    ...tags(SECURITY_GROUPS),
    ...tags(SECURITY_GROUP_RULES),
    ...interfaceRoutes,
    ...agentRoutes,
    ...quotaRoutes,
    ...otherRoutes,
  },
  refuse: (refusal) => ({
    status: refusal.status,
    body:
      refusal.status === 401
        ? { error: { code: 401, title: 'Unauthorized', message: refusal.message } }
        : {
            NeutronError: {
              type: refusal.type || 'HTTPNotFound',
              message: refusal.message || 'The resource could not be found.',
              detail: '',
            },
          },
  }),
};
