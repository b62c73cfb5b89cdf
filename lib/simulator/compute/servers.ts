/** Servers: list, show, change, delete. Creation is in `boot.ts`, actions in `actions.ts`. */
import type { SimulatedCloud } from '../cloud.ts';
import { sweepBytes } from '../image/images.ts';
import type { Fields, Server } from '../model.ts';
import { attachPort, forgetPort } from '../network/ports.ts';
import { sorted } from '../paging.ts';
import { mayUse, requireAdmin } from '../policy.ts';
import { isTrue, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes, under } from '../router.ts';
import { releaseVolumes } from '../volume/attaching.ts';
import { createServer } from './boot.ts';
import { briefServer, collectionPage, serverView, statusOf } from './view.ts';

const DELETE_SECONDS = 1;

export function serverOf(call: Call, id = call.param('id')): Server {
  const server = call.cloud.servers.get(id);
  if (!server || !mayUse(call, server.project_id))
    throw notFound(`Instance ${id} could not be found.`);
  return server;
}

/** The same server with changes, and its time of change. */
export function changeServer(
  cloud: SimulatedCloud,
  server: Server,
  changes: Partial<Server>,
): Server {
  return cloud.servers.put({ ...server, ...changes, updated: cloud.stamp() } as Server);
}

/** Nova takes the name as a pattern and everything else as it is; members' admin filters are ignored. */
const FILTERS: Record<string, (server: Server, value: string, cloud: SimulatedCloud) => boolean> = {
  name: (server, value) => new RegExp(value).test(server.name),
  status: (server, value) => statusOf(server) === value.toUpperCase(),
  vm_state: (server, value) => server.vm_state === value,
  task_state: (server, value) => (server.task_state ?? '') === value,
  image: (server, value) => server.image_id === value,
  flavor: (server, value) => server.flavor.id === value,
  uuid: (server, value) => server.id === value,
  key_name: (server, value) => server.key_name === value,
  user_id: (server, value) => server.user_id === value,
  locked: (server, value) => server.locked === isTrue(value),
  tags: (server, value) => value.split(',').every((tag) => server.tags.includes(tag)),
  'tags-any': (server, value) => value.split(',').some((tag) => server.tags.includes(tag)),
  'changes-since': (server, value) => Date.parse(server.updated) >= Date.parse(value),
  ip: (server, value, cloud) =>
    server.ports.some((id) =>
      cloud.ports.get(id)?.fixed_ips.some((ip) => new RegExp(value).test(ip.ip_address)),
    ),
};
const ADMIN_FILTERS: typeof FILTERS = {
  host: (server, value) => server.host === value,
  node: (server, value) => server.host === value,
  project_id: (server, value) => server.project_id === value,
  tenant_id: (server, value) => server.project_id === value,
};

function visible(call: Call): Server[] {
  const { query, who, cloud } = call;
  const everyone = query.has('all_tenants') && isTrue(query.get('all_tenants') || 'true');
  if (everyone) requireAdmin(call, 'os_compute_api:servers:index:get_all_tenants');
  const filters = who.admin ? { ...FILTERS, ...ADMIN_FILTERS } : FILTERS;
  const wanted = Object.entries(filters).filter(([name]) => query.has(name));
  const named = who.admin && (query.get('project_id') ?? query.get('tenant_id'));
  return cloud.servers
    .all()
    .reverse()
    .filter((server) => everyone || server.project_id === (named || who.projectId))
    .filter((server) =>
      wanted.every(([name, fits]) =>
        query.getAll(name).some((value) => fits(server, value, cloud)),
      ),
    );
}

const SORTABLE: Record<string, string> = {
  display_name: 'name',
  created_at: 'created',
  updated_at: 'updated',
  uuid: 'id',
};

const list = (show: (call: Call, server: Server) => Fields) => (call: Call) => {
  const order = sorted(call, visible(call), (server, key) => server[SORTABLE[key] ?? key]);
  return collectionPage(call, 'servers', order, show);
};

function update(call: Call) {
  const server = serverOf(call);
  const input = under(call, 'server');
  if ('name' in input && !textOf(input.name))
    throw badRequest("Invalid input for field/attribute name. Value: . '' is too short");
  const changed = changeServer(call.cloud, server, {
    name: textOf(input.name, server.name),
    description: 'description' in input ? textOf(input.description) || null : server.description,
  });
  return ok({ server: serverView(call, changed) });
}

function remove(call: Call) {
  const server = serverOf(call);
  if (server.locked && !call.who.admin) throw conflict(`Instance ${server.id} is locked`);
  if (server.task_state === 'deleting') return noContent();
  changeServer(call.cloud, server, { task_state: 'deleting' });
  call.cloud.later(DELETE_SECONDS, 'server.deleted', server.id);
  return noContent();
}

/** Nova's own ports go, those made before are free again. */
export function releasePorts(cloud: SimulatedCloud, server: Server): void {
  for (const id of server.ports) {
    const port = cloud.ports.get(id);
    if (port?.device_id !== server.id) continue;
    if (server.own_ports.includes(id)) {
      forgetPort({ cloud }, id);
      cloud.ports.drop(id);
    } else attachPort({ cloud }, port, { device_id: '', device_owner: '', 'binding:host_id': '' });
  }
}

/** Takes a server away, with what is its own: volumes only when Nova was told to delete them. */
export function eraseServer(cloud: SimulatedCloud, server: Server): void {
  releasePorts(cloud, server);
  releaseVolumes(cloud, server);
  cloud.servers.drop(server.id);
  for (const group of cloud.table('server-group').all()) {
    const members = (group.members as string[]).filter((id) => id !== server.id);
    cloud.table('server-group').put({ ...group, members });
  }
  sweepBytes(cloud);
}

export const serverRoutes: Routes = {
  'GET /servers': list(briefServer),
  'GET /servers/detail': list(serverView),
  'POST /servers': createServer,
  'GET /servers/:id': (call) => ok({ server: serverView(call, serverOf(call)) }),
  'PUT /servers/:id': update,
  'DELETE /servers/:id': remove,
};
