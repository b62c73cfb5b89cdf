/** Compute hosts: services, hypervisors, aggregates, zones; and which host a server may go to. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Host, Server } from '../model.ts';
import { leaveProvider } from '../placement/providers.ts';
import { requireAdmin } from '../policy.ts';
import { isTrue, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes } from '../router.ts';
import { leaveAggregates } from './aggregates.ts';

/** Every simulated host is as large. MiB and GiB. */
export const CAPACITY = { vcpus: 64, memory_mb: 131_072, local_gb: 2000 } as const;

const BY_UUID_SINCE = 53;
const RATIO = { vcpus: 16, memory: 1.5 };

export const usageOf = (cloud: SimulatedCloud, host: string) => {
  const here = cloud.servers.where((server) => server.host === host);
  const sum = (of: (server: Server) => number) => here.reduce((all, one) => all + of(one), 0);
  return {
    vcpus: sum((one) => one.flavor.vcpus),
    memory_mb: sum((one) => one.flavor.ram),
    local_gb: sum((one) => (one.image_id ? one.flavor.disk : 0)),
    servers: here,
  };
};

/** True while its nova-compute reports, unless an operator declared it dead. */
export const isUp = (cloud: SimulatedCloud, host: Host): boolean =>
  !host.forced_down &&
  cloud.machines.find((one) => one.cloud === cloud.name && one.host === host.name)?.running ===
    true;

export const isServing = (cloud: SimulatedCloud, name: string): boolean =>
  cloud.hosts.where((host) => host.name === name).some((host) => isUp(cloud, host));

function hasRoom(cloud: SimulatedCloud, host: Host, server: Server): boolean {
  const used = usageOf(cloud, host.name);
  return (
    used.vcpus + server.flavor.vcpus <= CAPACITY.vcpus * RATIO.vcpus &&
    used.memory_mb + server.flavor.ram <= CAPACITY.memory_mb * RATIO.memory &&
    used.local_gb + server.flavor.disk <= CAPACITY.local_gb
  );
}

/** The named host, or the one with most free memory; never `except`. Only enabled hosts that serve. */
export function pickHost(
  cloud: SimulatedCloud,
  server: Server,
  wanted: string,
  except = '',
): string | undefined {
  const fit = cloud.hosts.where(
    (host) =>
      host.status === 'enabled' &&
      isUp(cloud, host) &&
      !host.unmapped &&
      host.name !== except &&
      (!wanted || host.name === wanted) &&
      hasRoom(cloud, host, server),
  );
  const load = new Map(fit.map((host) => [host.name, usageOf(cloud, host.name).memory_mb]));
  return fit.sort((a, b) => (load.get(a.name) ?? 0) - (load.get(b.name) ?? 0))[0]?.name;
}

function serviceView(call: Call, host: Host): Fields {
  return {
    binary: 'nova-compute',
    host: host.name,
    id: call.version >= BY_UUID_SINCE ? host.service_id : host.number + 2,
    zone: 'nova',
    status: host.status,
    state: isUp(call.cloud, host) ? 'up' : 'down',
    updated_at: call.cloud.stampMicros(),
    disabled_reason: host.disabled_reason,
    ...(call.version >= 11 ? { forced_down: host.forced_down } : {}),
  };
}

const controllers = (call: Call): Fields[] =>
  ['nova-scheduler', 'nova-conductor'].map((binary, at) => ({
    binary,
    host: 'controller',
    id: call.version >= BY_UUID_SINCE ? `00000000-0000-4000-8000-00000000000${at + 1}` : at + 1,
    zone: 'internal',
    status: 'enabled',
    state: 'up',
    updated_at: call.cloud.stampMicros(),
    disabled_reason: null,
    ...(call.version >= 11 ? { forced_down: false } : {}),
  }));

function services(call: Call) {
  requireAdmin(call, 'os_compute_api:os-services:list');
  const all = [
    ...controllers(call),
    ...call.cloud.hosts.all().map((one) => serviceView(call, one)),
  ];
  const fit = all.filter((one) =>
    ['host', 'binary'].every((name) => (call.query.get(name) ?? one[name]) === one[name]),
  );
  return ok({ services: fit });
}

function hostByService(call: Call): Host {
  const id = call.param('id');
  if (call.version >= BY_UUID_SINCE && !/^[0-9a-f-]{36}$/.test(id))
    throw badRequest(`Invalid uuid ${id}`);
  const host = call.cloud.hosts.find(
    (one) => one.service_id === id || String(one.number + 2) === id,
  );
  if (!host) throw notFound(`Service ${id} could not be found.`);
  return host;
}

function changeService(call: Call) {
  requireAdmin(call, 'os_compute_api:os-services:update');
  const { status, disabled_reason, forced_down } = call.body;
  if (status === undefined && forced_down === undefined)
    throw badRequest(
      "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
    );
  if (status !== undefined && status !== 'enabled' && status !== 'disabled')
    throw badRequest(
      `Invalid input for field/attribute status. Value: ${textOf(status)}. '${textOf(status)}' is not one of ['enabled', 'disabled']`,
    );
  const host = hostByService(call);
  const now = status ?? host.status;
  const reason = status === undefined ? host.disabled_reason : textOf(disabled_reason) || null;
  const changed = call.cloud.hosts.put({
    ...host,
    status: now,
    disabled_reason: now === 'disabled' ? reason : null,
    forced_down: forced_down === undefined ? host.forced_down : isTrue(forced_down),
  });
  return ok({ service: serviceView(call, changed) });
}

/** The form before 2.53, by host and binary. */
const changeOld =
  (changes: (call: Call) => Partial<Host>, shown: readonly string[]) => (call: Call) => {
    requireAdmin(call, 'os_compute_api:os-services:update');
    const host = call.cloud.hosts.find((one) => one.name === call.body.host);
    if (!host)
      throw notFound(`Could not find binary nova-compute on host ${textOf(call.body.host)}.`);
    const changed = call.cloud.hosts.put({ ...host, ...changes(call) } as Host);
    const fields = Object.fromEntries(shown.map((name) => [name, changed[name]]));
    return ok({ service: { host: host.name, binary: 'nova-compute', ...fields } });
  };

function removeService(call: Call) {
  requireAdmin(call, 'os_compute_api:os-services:delete');
  const host = hostByService(call);
  if (usageOf(call.cloud, host.name).servers.length > 0)
    throw conflict(
      'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
    );
  leaveAggregates(call.cloud, host.name);
  leaveProvider(call.cloud, host);
  call.cloud.hosts.drop(host.id);
  return noContent();
}

function zones(call: Call) {
  const hosts = call.cloud.hosts
    .all()
    .map((host) => [
      host.name,
      { 'nova-compute': { available: host.status === 'enabled', active: isUp(call.cloud, host) } },
    ]);
  const isDetail = call.path.endsWith('/detail');
  if (isDetail) requireAdmin(call, 'os_compute_api:os-availability-zone:detail');
  const zone = { zoneName: 'nova', zoneState: { available: true } };
  return ok({
    availabilityZoneInfo: [{ ...zone, hosts: isDetail ? Object.fromEntries(hosts) : null }],
  });
}

const serviceRoutes: Routes = {
  'GET /os-services': services,
  'PUT /os-services/enable': changeOld(
    () => ({ status: 'enabled', disabled_reason: null }),
    ['status'],
  ),
  'PUT /os-services/disable': changeOld(() => ({ status: 'disabled' }), ['status']),
  'PUT /os-services/disable-log-reason': changeOld(
    (call) => ({ status: 'disabled', disabled_reason: textOf(call.body.disabled_reason) }),
    ['status', 'disabled_reason'],
  ),
  'PUT /os-services/force-down': changeOld(
    (call) => ({ forced_down: isTrue(call.body.forced_down) }),
    ['forced_down'],
  ),
  'PUT /os-services/:id': changeService,
  'DELETE /os-services/:id': removeService,
};

function oldHosts(call: Call) {
  requireAdmin(call, 'os_compute_api:os-hosts:list');
  const names = call.cloud.hosts.all().map((host) => host.name);
  return ok({ hosts: names.map((host_name) => ({ host_name, service: 'compute', zone: 'nova' })) });
}

export const hostRoutes: Routes = {
  ...serviceRoutes,
  'GET /os-availability-zone': zones,
  'GET /os-availability-zone/detail': zones,
  'GET /os-hosts': oldHosts,
};
