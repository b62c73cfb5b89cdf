/** Hypervisors: the hosts again, from the side of what they carry. */
import type { Fields, Host } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { isTrue } from '../reading.ts';
import { notFound, Refusal } from '../refusal.ts';
import { type Call, ok, type Routes } from '../router.ts';
import { CAPACITY, isUp, usageOf } from './hosts.ts';

const BY_UUID_SINCE = 53;
const PARSED_CPU_SINCE = 28;
const SLIM_SINCE = 88;

const CPU = {
  arch: 'x86_64',
  model: 'Nehalem',
  vendor: 'Intel',
  features: ['pge', 'clflush'],
  topology: { cores: 1, threads: 1, sockets: 4 },
};

const idOf = (call: Call, host: Host) => (call.version >= BY_UUID_SINCE ? host.id : host.number);

const brief = (call: Call, host: Host): Fields => ({
  id: idOf(call, host),
  hypervisor_hostname: host.name,
  state: isUp(call.cloud, host) ? 'up' : 'down',
  status: host.status,
  ...serversOf(call, host),
});

function serversOf(call: Call, host: Host): Fields {
  if (!isTrue(call.query.get('with_servers'))) return {};
  const { servers } = usageOf(call.cloud, host.name);
  if (servers.length === 0) return {};
  return {
    servers: servers.map((one) => ({
      name: `instance-${one.number.toString(16).padStart(8, '0')}`,
      uuid: one.id,
    })),
  };
}

function loadOf(call: Call, host: Host): Fields {
  const used = usageOf(call.cloud, host.name);
  return {
    ...CAPACITY,
    vcpus_used: used.vcpus,
    memory_mb_used: used.memory_mb + 512,
    local_gb_used: used.local_gb,
    free_ram_mb: CAPACITY.memory_mb - used.memory_mb - 512,
    free_disk_gb: CAPACITY.local_gb - used.local_gb,
    current_workload: used.servers.filter((one) => one.task_state).length,
    running_vms: used.servers.length,
    disk_available_least: 0,
  };
}

const full = (call: Call, host: Host): Fields => ({
  ...brief(call, host),
  hypervisor_type: 'fake',
  hypervisor_version: 1000,
  host_ip: '127.0.0.1',
  service: {
    id: call.version >= BY_UUID_SINCE ? host.service_id : host.number + 2,
    host: host.name,
    disabled_reason: host.disabled_reason,
  },
  ...(call.version >= SLIM_SINCE
    ? { uptime: null }
    : {
        ...loadOf(call, host),
        cpu_info: call.version >= PARSED_CPU_SINCE ? CPU : JSON.stringify(CPU),
      }),
});

const list = (show: (call: Call, host: Host) => Fields) => (call: Call) => {
  requireAdmin(call, 'os_compute_api:os-hypervisors:list');
  const pattern = call.query.get('hypervisor_hostname_pattern') ?? '';
  const hosts = call.cloud.hosts.where((host) => !host.unmapped && host.name.includes(pattern));
  if (pattern && hosts.length === 0)
    throw notFound(`No hypervisor matching '${pattern}' could be found.`);
  return ok({ hypervisors: hosts.map((host) => show(call, host)) });
};

function statistics(call: Call) {
  requireAdmin(call, 'os_compute_api:os-hypervisors:statistics');
  const hosts = call.cloud.hosts.where((host) => !host.unmapped);
  const loads = hosts.map((host) => loadOf(call, host));
  const names = Object.keys(loads[0] ?? {});
  const sums = names.map((name) => [name, loads.reduce((sum, one) => sum + Number(one[name]), 0)]);
  return ok({ hypervisor_statistics: { count: hosts.length, ...Object.fromEntries(sums) } });
}

function show(call: Call) {
  requireAdmin(call, 'os_compute_api:os-hypervisors:show');
  const id = call.param('id');
  const host = call.cloud.hosts.find((one) => one.id === id || String(one.number) === id);
  if (!host) throw notFound(`Hypervisor with ID '${id}' could not be found.`);
  return ok({ hypervisor: full(call, host) });
}

export const hypervisorRoutes: Routes = {
  'GET /os-hypervisors': list(brief),
  'GET /os-hypervisors/detail': list(full),
  'GET /os-hypervisors/statistics': statistics,
  'GET /os-hypervisors/:id': show,
  'GET /os-hypervisors/:id/uptime': () => {
    throw new Refusal(501, 'The requested functionality is not supported.');
  },
};
