import type { Reference } from '../domain/plan.ts';
import { differingLists } from './neutron/collection.ts';
import type { ResourceType, Site } from './resource-type.ts';
import { type Router, router, routers } from './router.ts';
import { routerInterface } from './router-interface.ts';

/** A router with routes of its own. */
export interface RoutedRouter extends Router {
  /** Known to discovery alone. */
  interfaces?: Reference[];
}

const settle = async ({ destination }: Site, body: RoutedRouter, id: string) => {
  const there = await routers.get(destination, id);
  if (differingLists<Router>(body, there, ['routes']).length === 0) return;
  await routers.update(destination, id, { routes: body.routes });
};

/**
 * The static routes of a router. Neutron takes a next hop only in a subnet that the router is in, so
 * they come after its interfaces.
 *
 * Source: `_validate_routes` in neutron/db/extraroute_db.py.
 */
export const routerRoutes: ResourceType<RoutedRouter> = {
  type: 'router_routes',
  scope: 'tenant',
  shared: () => true,
  partOf: ({ id }) => ({ type: 'router', id }),
  id: ({ id }) => id,
  label: ({ name }) => `routes of ${name}`,

  async discover({ found }) {
    const interfaces = found(routerInterface);
    return found(router)
      .filter(({ routes }) => routes.length > 0)
      .map((body) => ({
        ...body,
        interfaces: interfaces
          .filter(({ device_id }) => device_id === body.id)
          .map(({ id }) => ({ type: routerInterface.type, id })),
      }));
  },

  get: (source, id) => routers.get(source, id),
  needs: ({ id, interfaces = [] }) => [{ type: 'router', id }, ...interfaces],

  async find({ destination, ids }, body) {
    const id = ids.maybe('router', body.id);
    return id ? [{ id, body: await routers.get(destination, id) }] : [];
  },

  differences: (mine, theirs) => differingLists(mine, theirs, ['routes']),

  async create(site, body) {
    const id = site.ids.of('router', body.id);
    await settle(site, body, id);
    return id;
  },

  settle,
  event: ({ name, routes }) => ({ name, routes: routes.length }),
};
