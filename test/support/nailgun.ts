/**
 * A Fuel master as its REST API shows it: environments, nodes, tasks. It refuses what Nailgun refuses,
 * in its words (https://github.com/openstack/fuel-web before its retirement, nailgun/nailgun/api/v1),
 * and moves a step with each look at it. No machine is behind it: who deploys and removes is told.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  FuelDisk,
  FuelInterface,
  FuelNode,
  FuelTask,
} from '../../lib/provisioners/nailgun.ts';

interface Kept extends FuelNode {
  disks: FuelDisk[];
  interfaces: FuelInterface[];
}

export interface SimulatedFuel {
  url: string;
  settings: Record<string, string>;
  nodes: Kept[];
  tasks: FuelTask[];
  /** Calls that changed something, in order. */
  calls: string[];
  /** So many deployments of an environment fail from now on. */
  failing: number;
  close(): Promise<void>;
}

export interface Machines {
  /** Wiped and booted into discovery; its nova-compute is gone. */
  removed(fqdn: string): Promise<void>;
  /** Installed as a compute node of the destination. */
  deployed(fqdn: string): Promise<void>;
}

const CLUSTERS = [
  { id: 1, name: 'old', status: 'operational' },
  { id: 2, name: 'new', status: 'operational' },
];
const NETWORKS = [
  { id: 21, name: 'management' },
  { id: 22, name: 'storage' },
];
const ROLES = ['controller', 'compute', 'cinder'];

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
const bad = (message: string) => new Refusal(400, message);

const makeNode = (id: number, fqdn: string, cluster: number): Kept => {
  const [hostname = fqdn] = fqdn.split('.');
  const mac = `52:54:01:00:00:0${id}`;
  return {
    ...{ id, name: `Untitled (${hostname})`, hostname, fqdn, mac, cluster, online: true },
    ...{ status: 'ready', progress: 100, roles: ['compute'], pending_roles: [] },
    ...{ pending_addition: false, pending_deletion: false },
    meta: { interfaces: [{ mac }, { mac: `52:54:02:00:00:0${id}` }] },
    disks: [
      {
        ...{ id: `disk/by-path/${id}`, name: 'sda', size: 100_000 },
        volumes: [
          { name: 'os', size: 50_000 },
          { name: 'vm', size: 40_000 },
        ],
      },
    ],
    interfaces: [
      {
        id: id * 10,
        name: 'eth0',
        type: 'ether',
        assigned_networks: [{ id: 21, name: 'management' }],
      },
      {
        id: id * 10 + 1,
        name: 'eth1',
        type: 'ether',
        assigned_networks: [{ id: 22, name: 'storage' }],
      },
    ],
  };
};

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : undefined;
};

/** @param fqdns nodes of the environment `old`; `pattern.test` is the compute node of `new` */
export const startFuel = async (fqdns: string[], machines: Machines): Promise<SimulatedFuel> => {
  const nodes = [
    ...fqdns.map((fqdn, at) => makeNode(at + 1, fqdn, 1)),
    makeNode(9, 'pattern.test', 2),
  ];
  const tasks: FuelTask[] = [];
  const calls: string[] = [];
  const state = { failing: 0 };
  let nextId = 10;

  const nodeOf = (id: unknown): Kept => {
    const node = nodes.find((one) => one.id === Number(id));
    if (!node) throw new Refusal(404, 'Node not found');
    return node;
  };
  const clusterOf = (id: unknown): number => {
    if (!CLUSTERS.some((one) => one.id === Number(id))) throw new Refusal(404, 'Cluster not found');
    return Number(id);
  };
  const known = (list: unknown): { id: number; roles: string[] }[] => {
    if (!Array.isArray(list) || list.some((one) => !Number.isInteger(one?.id)))
      throw bad('Failed validating: items must have an integer id');
    const missing = list.filter(({ id }) => !nodes.some((one) => one.id === id));
    if (missing.length > 0)
      throw bad(`Nodes with ids ${missing.map(({ id }) => id).join(', ')} were not found.`);
    return list;
  };

  const rediscover = (node: Kept) => {
    Object.assign(node, {
      ...{ id: nextId, status: 'discover', cluster: null, roles: [], progress: 0 },
      ...{ pending_deletion: false, pending_roles: [], name: `Untitled (${node.mac.slice(-5)})` },
    });
    nextId += 1;
  };

  /** The task of an environment goes on by one look. */
  const step = async (task: FuelTask) => {
    const mine = nodes.filter((one) => one.cluster === task.cluster);
    if (task.progress < 50) {
      for (const one of mine) {
        if (one.pending_deletion) one.status = 'removing';
        else if (one.pending_addition || one.status === 'error')
          Object.assign(one, { status: 'deploying', progress: 40, pending_addition: false });
      }
      Object.assign(task, { status: 'running', progress: 50 });
      return;
    }
    if (state.failing > 0) {
      state.failing -= 1;
      for (const one of mine) {
        if (one.status === 'deploying') one.status = 'error';
        if (one.status === 'removing') one.status = 'ready';
      }
      const message = 'Deployment has failed. Node is offline';
      Object.assign(task, { status: 'error', progress: 100, message });
      return;
    }
    Object.assign(task, { status: 'ready', progress: 100 });
    for (const one of mine.filter(({ status }) => status === 'removing')) {
      await machines.removed(one.fqdn);
      rediscover(one);
    }
    for (const one of mine.filter(({ status }) => status === 'deploying')) {
      const { pending_roles: roles } = one;
      Object.assign(one, { status: 'ready', progress: 100, roles, pending_roles: [] });
      await machines.deployed(one.fqdn);
    }
  };

  const start = (cluster: number): FuelTask => {
    if (tasks.some((one) => one.cluster === cluster && ['pending', 'running'].includes(one.status)))
      throw new Refusal(409, 'Cannot perform the actions because there are another running tasks.');
    const mine = nodes.filter((one) => one.cluster === cluster);
    if (!mine.some((one) => one.pending_addition || one.pending_deletion || one.status === 'error'))
      throw bad('No changes to deploy');
    const task: FuelTask = {
      ...{ id: tasks.length + 1, cluster, name: 'deploy', status: 'pending', progress: 0 },
      ...{ message: null, parent_id: null },
    };
    tasks.push(task);
    return task;
  };

  const assign = (cluster: number, list: unknown) => {
    for (const { id, roles = [] } of known(list)) {
      const node = nodeOf(id);
      const wrong = roles.filter((role) => !ROLES.includes(role));
      if (wrong.length > 0)
        throw bad(`${wrong.join(', ')} are not valid roles for node in environment ${cluster}`);
      if (
        nodes.some(
          (one) => one.cluster === cluster && one.hostname === node.hostname && one !== node,
        )
      )
        throw bad(`Nodes with hostnames [${node.hostname}] already exist in cluster ${cluster}.`);
      const isNew = node.cluster === null;
      Object.assign(node, {
        cluster,
        pending_roles: roles,
        ...(isNew && { pending_addition: true }),
      });
    }
  };

  const unassign = (cluster: number, list: unknown) => {
    const others = known(list).filter(({ id }) => nodeOf(id).cluster !== cluster);
    if (others.length > 0)
      throw bad(`Nodes [${others.map(({ id }) => id)}] are not members of environment ${cluster}.`);
    for (const { id } of known(list)) nodeOf(id).pending_deletion = true;
  };

  const setDisks = (node: Kept, disks: FuelDisk[]) => {
    if (disks.length === 0) throw bad('Node seems not to have disks');
    for (const disk of disks)
      if (disk.volumes.reduce((sum, { size }) => sum + size, 0) > disk.size)
        throw bad(`Not enough free space on disk: ${disk.name}`);
    if (disks.flatMap(({ volumes }) => volumes).filter(({ name }) => name === 'os').length > 1)
      throw bad('Base system should be allocated on one disk only');
    node.disks = disks;
  };

  const setInterfaces = (node: Kept, interfaces: FuelInterface[]) => {
    const ids = interfaces.flatMap(({ assigned_networks }) =>
      assigned_networks.map(({ id }) => id),
    );
    if (new Set(ids).size < ids.length)
      throw bad(`Node '${node.id}': there is a duplicated network in assigned networks`);
    for (const { id } of interfaces)
      if (!node.interfaces.some((one) => one.id === id))
        throw bad(`Node '${node.id}': there is no interface with ID '${id}' in DB`);
    node.interfaces = interfaces;
  };

  const routes: [RegExp, (ids: string[], body: unknown, query: URLSearchParams) => unknown][] = [
    [/^GET version$/, () => ({ auth_required: true, release: '9.0', api: '1.0' })],
    [/^GET clusters\/?$/, () => CLUSTERS],
    [/^GET clusters\/(\d+)\/network_configuration\/neutron\/?$/, () => ({ networks: NETWORKS })],
    [
      /^GET nodes\/?$/,
      (_, __, query) => {
        const cluster = query.get('cluster_id');
        return nodes.filter((one) => cluster === null || String(one.cluster ?? '') === cluster);
      },
    ],
    [/^GET nodes\/(\d+)\/?$/, ([id]) => nodeOf(id)],
    [/^GET nodes\/(\d+)\/disks\/?$/, ([id]) => nodeOf(id).disks],
    [/^GET nodes\/(\d+)\/interfaces\/?$/, ([id]) => nodeOf(id).interfaces],
    [/^PUT nodes\/(\d+)\/disks\/?$/, ([id], body) => setDisks(nodeOf(id), body as FuelDisk[])],
    [
      /^PUT nodes\/(\d+)\/interfaces\/?$/,
      ([id], body) => setInterfaces(nodeOf(id), body as FuelInterface[]),
    ],
    [
      /^PUT nodes\/?$/,
      (_, body) => known(body).map((change) => Object.assign(nodeOf(change.id), change)),
    ],
    [/^POST clusters\/(\d+)\/assignment\/?$/, ([id], body) => assign(clusterOf(id), body)],
    [/^POST clusters\/(\d+)\/unassignment\/?$/, ([id], body) => unassign(clusterOf(id), body)],
    [/^PUT clusters\/(\d+)\/changes\/?$/, ([id]) => start(clusterOf(id))],
    [/^GET tasks\/?$/, () => tasks],
    [/^GET tasks\/(\d+)\/?$/, ([id]) => tasks.find((one) => one.id === Number(id))],
  ];

  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fuel');
    const body = await readBody(request);
    if (pathname === '/keystone/v2.0/tokens') {
      const token = {
        id: 'token',
        expires: '2100-01-01T00:00:00Z',
        tenant: { id: 't', name: 'admin' },
      };
      return { access: { token, serviceCatalog: [], user: { id: 'u', name: 'admin', roles: [] } } };
    }
    const path = pathname.replace('/api/v1/', '');
    if (path !== 'version' && request.headers['x-auth-token'] !== 'token')
      throw new Refusal(401, 'Authentication required');
    const key = `${request.method} ${path}`;
    if (request.method === 'GET' && /^(tasks|nodes)\/?$/.test(path))
      for (const task of tasks.filter(({ status }) => ['pending', 'running'].includes(status)))
        await step(task);
    for (const [pattern, handler] of routes) {
      const match = pattern.exec(key);
      if (!match) continue;
      const done = handler(match.slice(1), body, searchParams);
      if (request.method !== 'GET') calls.push(key);
      return done ?? null;
    }
    throw new Refusal(404, `${key} is not known`);
  };

  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request).then(
      (found) => ({ status: 200, body: found }),
      (error: Error) => ({
        status: error instanceof Refusal ? error.status : 500,
        body: { message: error.message, errors: [] } as unknown,
      }),
    );
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    ...{ url, nodes, tasks, calls },
    settings: { url, username: 'admin', password: 'admin', source: 'old', destination: 'new' },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
};
