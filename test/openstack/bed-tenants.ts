/** Small tenants of the source: a network each, and servers where and how a test wants them. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Cloud } from '../../lib/ports.ts';
import { all } from '../../lib/resources/resource-type.ts';
import { getServer } from '../../lib/resources/server.ts';
import { removeSeed } from './programs.ts';
import { until } from './until.ts';

/** Bytes of the image that everything boots from. */
const IMAGE_BYTES = 65_536;

export interface BedTenant {
  id: string;
  name: string;
  /** Makes a port on its network; answers its id. */
  port(body?: object): Promise<string>;
  /** Asks for a server on its network, and does not wait. */
  boot(name: string, more?: object): Promise<string>;
}

export interface BedTenants {
  /** All names begin with it. */
  run: string;
  image: string;
  flavor: string;
  add(name: string): Promise<BedTenant>;
  /** Takes away what belongs to them, wherever it is by now. */
  remove(): Promise<unknown>;
}

/** Waits until the servers are in a status, and nothing is in hand. An unexpected ERROR ends the wait. */
export const untilStatus = async (cloud: Cloud, ids: string[], wanted: string): Promise<void> => {
  for (const id of ids) {
    await until(`server ${id} to be ${wanted}`, async () => {
      const { status, fault, ...server } = await getServer(cloud, id);
      if (status === 'ERROR' && wanted !== status) throw new Error(fault?.message ?? status);
      return status === wanted && server['OS-EXT-STS:task_state'] === null;
    });
  }
};

const makeImage = async (cloud: Cloud, name: string) => {
  const { id } = await cloud.post<{ id: string }>('image', '/v2/images', {
    ...{ name, disk_format: 'raw', container_format: 'bare', visibility: 'public' },
  });
  const body = Readable.from([randomBytes(IMAGE_BYTES)]);
  await cloud.upload('image', `/v2/images/${id}/file`, { body, size: IMAGE_BYTES });
  return id;
};

const makeFlavor = async (cloud: Cloud, name: string) => {
  const wanted = { flavor: { name, ram: 64, vcpus: 1, disk: 1 } };
  const { flavor } = await cloud.post<{ flavor: { id: string } }>('compute', '/flavors', wanted);
  return flavor.id;
};

/** Our own user becomes an administrator there, so that it may say on which host a server boots. */
const join = async (cloud: Cloud, project: string) => {
  const { userId } = await cloud.self();
  const query = { name: 'admin' };
  const [role] = await all(cloud.list<{ id: string }>('identity', '/roles', 'roles', { query }));
  const path = `/projects/${project}/users/${userId}/roles/${role?.id}`;
  await cloud.put('identity', path, undefined);
};

const addTenant = async (
  cloud: Cloud,
  { domain, name, image, flavor }: Record<'domain' | 'name' | 'image' | 'flavor', string>,
): Promise<BedTenant> => {
  const { project } = await cloud.post<{ project: { id: string } }>('identity', '/projects', {
    project: { name, domain_id: domain },
  });
  await join(cloud, project.id);
  const scope = cloud.scopedTo(project.id);
  const { network } = await scope.post<{ network: { id: string } }>('network', '/v2.0/networks', {
    network: { name: `${name}-net` },
  });
  await scope.post('network', '/v2.0/subnets', {
    subnet: { network_id: network.id, name: `${name}-v4`, ip_version: 4, cidr: '10.40.0.0/24' },
  });
  return {
    ...{ id: project.id, name },
    async port(body = {}) {
      const wanted = { port: { network_id: network.id, ...body } };
      const made = await scope.post<{ port: { id: string } }>('network', '/v2.0/ports', wanted);
      return made.port.id;
    },
    async boot(server, more = {}) {
      const wanted = { imageRef: image, flavorRef: flavor, networks: [{ uuid: network.id }] };
      const body = { server: { name: server, ...wanted, ...more } };
      const made = await scope.post<{ server: { id: string } }>('compute', '/servers', body);
      return made.server.id;
    },
  };
};

/** Begins a run of a name that no other has; its tenants are in a domain of their own. */
export const bedTenants = async (source: Cloud, word: string): Promise<BedTenants> => {
  const run = `${word}-${randomBytes(3).toString('hex')}`;
  const { domain } = await source.post<{ domain: { id: string } }>('identity', '/domains', {
    domain: { name: `${run}-corp` },
  });
  const image = await makeImage(source, `${run}-image`);
  const flavor = await makeFlavor(source, `${run}-flavor`);
  return {
    ...{ run, image, flavor },
    add: (name) => addTenant(source, { domain: domain.id, name: `${run}-${name}`, image, flavor }),
    remove: () => removeSeed(run),
  };
};
