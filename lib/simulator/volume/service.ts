/** Cinder v3 with microversions up to 3.70. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Item, ServerVolume } from '../model.ts';
import { mayUse } from '../policy.ts';
import { isTrue, textOf } from '../reading.ts';
import { badRequest, notFound } from '../refusal.ts';
import { type Call, ok, type Routes, type Service } from '../router.ts';
import { volumeQuotaRoutes } from './quotas.ts';
import { snapshotRoutes } from './snapshots.ts';
import { volumeRoutes } from './volumes.ts';

const FAULTS: Record<number, string> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
};

const versions = (cloud: SimulatedCloud) => ({
  versions: [
    {
      id: 'v3.0',
      status: 'CURRENT',
      version: '3.70',
      min_version: '3.0',
      updated: '2022-08-31T00:00:00Z',
      links: [
        { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
        { rel: 'self', href: `${cloud.origin()}/volume/v3/` },
      ],
      'media-types': [
        { base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' },
      ],
    },
  ],
});

const typeView = (type: Item) => ({ ...type, 'os-volume-type-access:is_public': type.is_public });

function typeOf(call: Call): Item {
  const wanted = call.param('id');
  const types = call.cloud.table('volume-type');
  const type = wanted === 'default' ? types.all()[0] : types.get(wanted);
  if (!type) throw notFound(`Volume type ${wanted} could not be found.`);
  return type;
}

/** Attachments as Cinder's own objects; Nova keeps them with its servers. */
function attachments(call: Call) {
  const everyone = call.who.admin && isTrue(call.query.get('all_tenants'));
  const servers = call.cloud.servers.where(
    (server) =>
      everyone || mayUse({ ...call, who: { ...call.who, admin: false } }, server.project_id),
  );
  const view = (serverId: string, one: ServerVolume) => ({
    id: one.attachment_id,
    status: 'attached',
    instance: serverId,
    volume_id: one.volume_id,
  });
  return ok({
    attachments: servers.flatMap((server) => server.volumes.map((one) => view(server.id, one))),
  });
}

const services = (call: Call) =>
  ok({
    services: [
      ['cinder-scheduler', 'controller'],
      ['cinder-volume', `${call.cloud.name}@file`],
    ].map(([binary, host]) => ({
      binary,
      host,
      zone: 'nova',
      status: 'enabled',
      state: 'up',
      updated_at: call.cloud.stampMicros(),
      disabled_reason: null,
    })),
  });

function summary(call: Call) {
  const everyone = call.who.admin && isTrue(call.query.get('all_tenants'));
  const volumes = call.cloud.volumes.where(
    (one) => everyone || one.project_id === call.who.projectId,
  );
  const size = volumes.reduce((sum, one) => sum + one.size, 0);
  return ok({ 'volume-summary': { total_count: volumes.length, total_size: size, metadata: {} } });
}

const otherRoutes: Routes = {
  'GET /:project/types': (call) =>
    ok({ volume_types: call.cloud.table('volume-type').all().map(typeView) }),
  'GET /:project/types/:id': (call) => ok({ volume_type: typeView(typeOf(call)) }),
  'GET /:project/attachments': attachments,
  'GET /:project/attachments/detail': attachments,
  'GET /:project/os-services': services,
  'GET /:project/volumes/summary': summary,
  'GET /:project/os-availability-zone': () =>
    ok({ availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true } }] }),
  'GET /:project/backups': () => ok({ backups: [] }),
  'GET /:project/backups/detail': () => ok({ backups: [] }),
  'GET /:project/groups': () => ok({ groups: [] }),
  'GET /:project/groups/detail': () => ok({ groups: [] }),
  'GET /:project/volume-transfers': () => ok({ transfers: [] }),
  'GET /:project/volume-transfers/detail': () => ok({ transfers: [] }),
  'GET /:project/extensions': () => ok({ extensions: [] }),
};

/** The project in the path must be the token's, as in Cinder; without one (3.67 on) it may be left out. */
function guarded(routes: Routes): Routes {
  return Object.fromEntries(
    Object.entries(routes).map(([key, handler]) => [
      key,
      (call: Call) => {
        const project = call.param('project');
        if (project !== call.who.projectId) throw badRequest('Malformed request url');
        return handler(call);
      },
    ]),
  );
}

const refuse: Service['refuse'] = (refusal) => {
  const { status, message } = refusal;
  if (status === 401)
    return { status, body: { error: { code: 401, title: 'Unauthorized', message } } };
  const key = FAULTS[status] ?? 'computeFault';
  const retry = status === 413 ? { retryAfter: textOf(refusal.headers['Retry-After'], '0') } : {};
  return {
    status,
    body: { [key]: { code: status, message: message || 'Resource not found.', ...retry } },
  };
};

export const volumeVersions: Service = {
  name: 'volumev3',
  prefix: '/volume',
  open: { 'GET /': ({ cloud }) => ({ status: 300, body: versions(cloud) }) },
  routes: {},
  refuse,
};

export const volumeService: Service = {
  name: 'volumev3',
  prefix: '/volume/v3',
  versions: { name: 'volume', major: 3, min: 0, max: 70 },
  open: {},
  routes: {
    'GET /': ({ cloud }) => ok(versions(cloud)),
    ...guarded({ ...volumeRoutes, ...snapshotRoutes, ...volumeQuotaRoutes, ...otherRoutes }),
  },
  refuse,
};
