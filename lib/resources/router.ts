import { isError } from '../domain/errors.ts';
import { collection, differingLists, nameObstacles } from './neutron/collection.ts';
import { gatewayAddresses } from './neutron/gateway.ts';
import { all, differing, type ResourceType, type Site, viewOf } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/network/v2/#routers-routers */
export interface Router {
  id: string;
  name: string;
  project_id: string;
  description: string;
  admin_state_up: boolean;
  external_gateway_info: {
    network_id: string;
    enable_snat?: boolean;
    external_fixed_ips?: { subnet_id: string; ip_address: string }[];
    qos_policy_id?: string | null;
  } | null;
  routes: { destination: string; nexthop: string }[];
  /** Both are shown to administrators alone. */
  ha?: boolean;
  distributed?: boolean;
  availability_zone_hints?: string[];
  tags?: string[];
}

export const routers = collection<Router>('router', 'routers');

/** Attempts at an address that another may have taken meanwhile; after them Neutron chooses. */
const ATTEMPTS = 4;

/** The gateway to ask for; `refused` grows by the address in it. */
const gatewayOf = async (
  site: Site,
  { external_gateway_info: info }: Router,
  refused: string[],
) => {
  if (!info) return {};
  const network_id = site.ids.of('network', info.network_id);
  const { enable_snat } = info;
  const network = { here: info.network_id, there: network_id };
  const chosen =
    refused.length < ATTEMPTS ? await gatewayAddresses(site, network, refused) : undefined;
  refused.push(chosen?.[0]?.ip_address ?? '');
  return {
    external_gateway_info: {
      network_id,
      ...(enable_snat !== undefined && { enable_snat }),
      ...(chosen && { external_fixed_ips: chosen }),
    },
  };
};

/** The gateway as the destination should show it. */
const gatewayThere = ({ external_gateway_info: info }: Router, { ids }: Site) =>
  info && { network_id: ids.maybe('network', info.network_id), enable_snat: info.enable_snat };

/**
 * A router with its way out. Its interfaces (`router-interface.ts`) and routes (`router-routes.ts`)
 * follow. It goes out from another address than before: two clouds may share the outside, where an
 * address that is in use must not answer twice.
 */
export const router: ResourceType<Router> = {
  type: 'router',
  scope: 'tenant',
  created: 'router created',
  id: ({ id }) => id,
  label: ({ name }) => name,

  discover: ({ source, tenantId }) => all(routers.list(source, { project_id: tenantId })),
  get: routers.get,

  needs: ({ project_id, external_gateway_info: info }) => [
    { type: 'tenant', id: project_id },
    ...(info ? [{ type: 'network', id: info.network_id }] : []),
  ],

  async find({ destination, ids, tenantId }, { name }) {
    const project_id = ids.maybe('tenant', tenantId);
    if (!project_id) return [];
    const found = await all(routers.list(destination, { project_id, name }));
    return found.map((body) => ({ id: body.id, body }));
  },

  differences(mine, theirs, site) {
    const info = theirs.external_gateway_info;
    const gateway = info && { network_id: info.network_id, enable_snat: info.enable_snat };
    return [
      ...differing(mine, theirs, ['description', 'admin_state_up']),
      ...differing({ gateway: gatewayThere(mine, site) }, { gateway }, ['gateway']),
      ...differingLists(mine, theirs, ['tags']),
    ];
  },

  async create(site, body) {
    const { name, description, admin_state_up } = body;
    const project_id = site.ids.of('tenant', site.tenantId);
    const refused: string[] = [];
    for (;;) {
      const gateway = await gatewayOf(site, body, refused);
      try {
        const wish = { name, description, admin_state_up, project_id, ...gateway };
        return (await routers.create(site.destination, wish)).id;
      } catch (error) {
        if (!isError(error, 'ResourceConflict') || !refused.at(-1)) throw error;
      }
    }
  },

  settle: ({ destination }, body, id) => routers.tag(destination, id, body),

  event: ({ name }, { ids, tenantId }) => viewOf({ name, tenant_id: ids.of('tenant', tenantId) }),

  obstacles: (body, { found }) => [
    ...nameObstacles(body, found(router)),
    ...(body.external_gateway_info?.qos_policy_id ? ['its gateway has a QoS policy'] : []),
  ],

  losses: ({
    external_gateway_info: info,
    ha,
    distributed,
    availability_zone_hints: hints = [],
  }) => [
    ...(info
      ? ['its outgoing address: what has no floating IP comes from another one, mind allow-lists']
      : []),
    ...(ha ? ['that it is highly available, unless the destination makes all routers so'] : []),
    ...(distributed ? ['that it is distributed, unless the destination makes all routers so'] : []),
    ...(hints.length > 0 ? ['its availability zone hints'] : []),
  ],

  world: {
    type: 'router',
    list: (cloud) => routers.list(cloud),
    id: ({ id }) => id,
    view: ({ name, project_id, external_gateway_info: info }) =>
      viewOf({
        ...{ name, tenant_id: project_id, network_id: info?.network_id },
        address: info?.external_fixed_ips?.[0]?.ip_address,
      }),
  },

  removal: {
    event: 'router delete',
    find: routers.marked,
    remove: routers.remove,
  },
};
