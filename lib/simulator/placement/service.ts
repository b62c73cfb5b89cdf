/** Placement: what Nova would have written there, computed from the hosts and servers. */
import { CAPACITY, usageOf } from '../compute/hosts.ts';
import type { Fields, Host, Server } from '../model.ts';
import { forbidden, notFound } from '../refusal.ts';
import { type Call, ok, type Routes, type Service } from '../router.ts';
import { providerRoutes, providersOf, strayOf, straysOn } from './providers.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
};

const LINKS = ['inventories', 'usages', 'aggregates', 'traits', 'allocations'];
const TRAITS = ['COMPUTE_NODE', 'COMPUTE_IMAGE_TYPE_RAW', 'COMPUTE_NET_ATTACH_INTERFACE'];

const inventory = (total: number, reserved: number, ratio: number) => ({
  total,
  reserved,
  min_unit: 1,
  max_unit: total,
  step_size: 1,
  allocation_ratio: ratio,
});

const INVENTORIES = {
  VCPU: inventory(CAPACITY.vcpus, 0, 16),
  MEMORY_MB: inventory(CAPACITY.memory_mb, 512, 1.5),
  DISK_GB: inventory(CAPACITY.local_gb, 0, 1),
};
type ResourceClass = keyof typeof INVENTORIES;

const capacityOf = (name: ResourceClass) =>
  (INVENTORIES[name].total - INVENTORIES[name].reserved) * INVENTORIES[name].allocation_ratio;

function provider(call: Call, host: Host): Fields {
  const path = `/resource_providers/${host.id}`;
  const names = call.version >= 11 ? LINKS : LINKS.slice(0, 2);
  const links = [
    { rel: 'self', href: path },
    ...names.map((rel) => ({ rel, href: `${path}/${rel}` })),
  ];
  const tree = { parent_provider_uuid: null, root_provider_uuid: host.id };
  return {
    uuid: host.id,
    name: host.name,
    generation: usageOf(call.cloud, host.name).servers.length,
    links,
    ...(call.version >= 14 ? tree : {}),
  };
}

const resourcesOf = (server: Server) => ({
  VCPU: server.flavor.vcpus,
  MEMORY_MB: server.flavor.ram,
  ...(server.image_id && server.flavor.disk > 0 ? { DISK_GB: server.flavor.disk } : {}),
});

const usages = (call: Call, host: Host) => {
  const used = usageOf(call.cloud, host.name);
  return { VCPU: used.vcpus, MEMORY_MB: used.memory_mb, DISK_GB: used.local_gb };
};

function hostOf(call: Call): Host {
  const host = providersOf(call.cloud).find((one) => one.id === call.param('id'));
  if (!host) throw notFound(`No resource provider with uuid ${call.param('id')} found `);
  return host;
}

const generation = (call: Call, host: Host) => ({
  resource_provider_generation: usageOf(call.cloud, host.name).servers.length,
});

function allocationsOn(call: Call) {
  const host = hostOf(call);
  const { servers } = usageOf(call.cloud, host.name);
  const entries = servers.map((one) => [
    one.id,
    { resources: resourcesOf(one), consumer_generation: 1 },
  ]);
  const all = [...entries, ...straysOn(call.cloud, host.id)];
  return ok({ allocations: Object.fromEntries(all), ...generation(call, host) });
}

function allocationsOf(call: Call) {
  const server = call.cloud.servers.get(call.param('consumer'));
  const host = call.cloud.hosts.find((one) => one.name === server?.host);
  const stray = strayOf(call.cloud, call.param('consumer'));
  if (stray) {
    const { id: _id, generation: consumer_generation, ...rest } = stray;
    return ok({ ...rest, consumer_generation });
  }
  if (!server || !host) return ok({ allocations: {} });
  return ok({
    allocations: { [host.id]: { resources: resourcesOf(server), generation: 1 } },
    project_id: server.project_id,
    user_id: server.user_id,
    consumer_generation: 1,
    ...(call.version >= 38 ? { consumer_type: 'INSTANCE' } : {}),
  });
}

/** Hosts with room for `resources=VCPU:1,MEMORY_MB:512`. */
function candidates(call: Call) {
  const asked = (call.query.get('resources') ?? '').split(',').map((one) => one.split(':'));
  const wanted = asked.map(
    ([name = '', amount]) => [name as ResourceClass, Number(amount)] as const,
  );
  const limit = Number(call.query.get('limit') ?? 1000);
  const fit = call.cloud.hosts
    .where((host) => {
      const used: Record<string, number> = usages(call, host);
      return wanted.every(([name, amount]) => (used[name] ?? 0) + amount <= capacityOf(name));
    })
    .slice(0, limit);
  const summary = (host: Host) => ({
    resources: Object.fromEntries(
      Object.entries(usages(call, host)).map(([name, used]) => [
        name,
        { capacity: capacityOf(name as ResourceClass), used },
      ]),
    ),
    traits: TRAITS,
    parent_provider_uuid: null,
    root_provider_uuid: host.id,
  });
  return ok({
    allocation_requests: fit.map((host) => ({
      allocations: { [host.id]: { resources: Object.fromEntries(wanted) } },
      mappings: { '': [host.id] },
    })),
    provider_summaries: Object.fromEntries(fit.map((host) => [host.id, summary(host)])),
  });
}

const PATH = '/resource_providers/:id';

const routes: Routes = {
  ...providerRoutes,
  'GET /resource_providers': (call) => {
    const hosts = providersOf(call.cloud).filter((host) =>
      [
        ['name', host.name],
        ['uuid', host.id],
        ['in_tree', host.id],
      ].every(([name = '', own]) => (call.query.get(name) ?? own) === own),
    );
    return ok({ resource_providers: hosts.map((host) => provider(call, host)) });
  },
  [`GET ${PATH}`]: (call) => ok(provider(call, hostOf(call))),
  [`GET ${PATH}/inventories`]: (call) =>
    ok({ inventories: INVENTORIES, ...generation(call, hostOf(call)) }),
  [`GET ${PATH}/usages`]: (call) =>
    ok({ usages: usages(call, hostOf(call)), ...generation(call, hostOf(call)) }),
  [`GET ${PATH}/traits`]: (call) => ok({ traits: TRAITS, ...generation(call, hostOf(call)) }),
  [`GET ${PATH}/aggregates`]: (call) => ok({ aggregates: [], ...generation(call, hostOf(call)) }),
  [`GET ${PATH}/allocations`]: allocationsOn,
  'GET /allocations/:consumer': allocationsOf,
  'GET /allocation_candidates': candidates,
  'GET /traits': () => ok({ traits: TRAITS }),
  'GET /resource_classes': () =>
    ok({
      resource_classes: Object.keys(INVENTORIES).map((name) => ({
        name,
        links: [{ rel: 'self', href: `/resource_classes/${name}` }],
      })),
    }),
};

/** Placement is for admins and services. */
const guarded = Object.fromEntries(
  Object.entries(routes).map(([key, handler]) => [
    key,
    (call: Call) => {
      if (!call.who.admin)
        throw forbidden(
          'Access was denied to this resource.\n\n Policy does not allow placement:resource_providers:list to be performed.  ',
        );
      return handler(call);
    },
  ]),
);

export const placementService: Service = {
  name: 'placement',
  prefix: '/placement',
  versions: { name: 'placement', major: 1, min: 0, max: 39 },
  open: {
    'GET /': () =>
      ok({
        versions: [
          {
            id: 'v1.0',
            max_version: '1.39',
            min_version: '1.0',
            status: 'CURRENT',
            links: [{ rel: 'self', href: '' }],
          },
        ],
      }),
  },
  routes: guarded,
  refuse: (refusal, call) =>
    refusal.status === 401
      ? {
          status: 401,
          body: { error: { code: 401, title: 'Unauthorized', message: refusal.message } },
        }
      : {
          status: refusal.status,
          body: {
            errors: [
              {
                status: refusal.status,
                title: TITLES[refusal.status] ?? 'Error',
                detail: refusal.message || 'The resource could not be found.',
                code: /^placement\./.test(refusal.type) ? refusal.type : 'placement.undefined_code',
                request_id: call.requestId,
              },
            ],
          },
        },
};
