/** The catalog: in every token, and as services, endpoints and regions for admins. */
import { createHash } from 'node:crypto';
import {
  offers,
  SERVICE_PATHS,
  type ServiceType,
  type SimulatedCloud,
  serviceUrl,
} from '../cloud.ts';
import { omit } from '../reading.ts';
import { notFound } from '../refusal.ts';
import { type Call, ok, type Routes } from '../router.ts';
import { links, requireKeystoneAdmin, resource } from './collections.ts';

const CATALOG_NAMES: Record<ServiceType, string> = {
  identity: 'keystone',
  compute: 'nova',
  image: 'glance',
  network: 'neutron',
  volumev3: 'cinder',
  placement: 'placement',
  baremetal: 'ironic',
};

const stableId = (cloud: SimulatedCloud, ...parts: string[]) =>
  createHash('md5')
    .update([cloud.name, ...parts].join('/'))
    .digest('hex');

const INTERFACES = ['admin', 'public', 'internal'];

const catalogServices = (cloud: SimulatedCloud) =>
  (Object.keys(SERVICE_PATHS) as ServiceType[])
    .filter((type) => offers(cloud, type))
    .map((type) => ({
      id: stableId(cloud, type),
      type,
      name: CATALOG_NAMES[type],
      enabled: true,
      endpoints: INTERFACES.map((kind) => ({
        id: stableId(cloud, type, kind),
        interface: kind,
        region_id: cloud.region,
        region: cloud.region,
      })),
    }));

export const catalogOf = (cloud: SimulatedCloud, projectId: string) =>
  catalogServices(cloud).map(({ enabled: _, ...service }) => ({
    ...service,
    endpoints: service.endpoints.map((one) => ({
      ...one,
      url: serviceUrl(cloud, service.type, projectId),
    })),
  }));

const servicesOf = (call: Call) =>
  catalogServices(call.cloud).map((service) => ({
    ...service,
    links: { self: `${call.cloud.origin()}/identity/v3/services/${service.id}` },
  }));

export const catalogRoutes: Routes = {
  'GET /services': (call) => {
    requireKeystoneAdmin(call, 'list_services');
    const shown = servicesOf(call).filter((one) =>
      ['type', 'name'].every(
        (key) => (call.query.get(key) ?? one[key as 'type']) === one[key as 'type'],
      ),
    );
    return ok({ services: shown.map((one) => omit(one, ['endpoints'])), links: links(call) });
  },
  'GET /endpoints': (call) => {
    requireKeystoneAdmin(call, 'list_endpoints');
    const endpoints = servicesOf(call).flatMap((service) =>
      service.endpoints.map((one) => ({
        ...one,
        service_id: service.id,
        url: serviceUrl(call.cloud, service.type, '$(project_id)s'),
        enabled: true,
        links: { self: `${call.cloud.origin()}/identity/v3/endpoints/${one.id}` },
      })),
    );
    const fit = endpoints.filter((one) =>
      (['interface', 'service_id', 'region_id'] as const).every(
        (key) => (call.query.get(key) ?? one[key]) === one[key],
      ),
    );
    return ok({ endpoints: fit, links: links(call) });
  },
  'GET /regions': (call) => ok({ regions: [regionOf(call)], links: links(call) }),
  'GET /regions/:id': (call) => {
    if (call.param('id') !== call.cloud.region)
      throw notFound(`Could not find region: ${call.param('id')}.`);
    return ok({ region: regionOf(call) });
  },
};

const regionOf = (call: Call) =>
  resource(call, 'regions', { id: call.cloud.region, description: '', parent_region_id: null });
