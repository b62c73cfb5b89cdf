/** A place to boot servers in: a network, a small image, a small flavor; and the servers themselves. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Answer,
  type Body,
  type CloudUnderContract,
  leftovers,
  type Session,
  unique,
  until,
} from './session.ts';

export const IMAGE_BYTES = randomBytes(100_000);

export interface Yard {
  networkId: string;
  subnetId: string;
  imageId: string;
  flavorId: string;
  compute(method: string, path: string, body?: unknown, version?: string): Promise<Answer>;
  network(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Boots in the member's project, as the member unless told otherwise, and waits for ACTIVE. */
  boot(fields?: object, who?: Session): Promise<Body>;
  create(fields: object, who?: Session): Promise<Answer>;
  port(fields?: object): Promise<Body>;
  act(id: string, action: object, who?: Session, version?: string): Promise<Answer>;
  show(id: string): Promise<Body>;
  /** Waits until the server has the status and no task. */
  settled(id: string, status: string): Promise<Body>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
}

export async function openYard(cloud: CloudUnderContract): Promise<Yard> {
  const after = leftovers();
  const compute = (
    method: string,
    path: string,
    body?: unknown,
    version = '2.93',
    who = cloud.admin,
  ) => who.call(method, 'compute', path, body === undefined ? { version } : { body, version });
  const network = (method: string, path: string, body?: unknown) =>
    cloud.admin.call(method, 'network', `/v2.0${path}`, body === undefined ? {} : { body });

  const project_id = cloud.member.projectId;
  const net = await network('POST', '/networks', { network: { name: unique('yard'), project_id } });
  const networkId = net.body.network.id;
  after.add(() => network('DELETE', `/networks/${networkId}`));
  const subnet = await network('POST', '/subnets', {
    subnet: { network_id: networkId, cidr: '10.51.0.0/24', ip_version: 4, project_id },
  });

  const image = await cloud.admin.call('POST', 'image', '/v2/images', {
    body: {
      name: unique('image'),
      disk_format: 'raw',
      container_format: 'bare',
      visibility: 'public',
      os_distro: 'contract',
    },
  });
  const imageId = image.body.id;
  after.add(() => cloud.admin.call('DELETE', 'image', `/v2/images/${imageId}`));
  await cloud.admin.call('PUT', 'image', `/v2/images/${imageId}/file`, { bytes: IMAGE_BYTES });

  const flavor = await compute('POST', '/flavors', {
    flavor: { name: unique('flavor'), ram: 64, vcpus: 1, disk: 1 },
  });
  const flavorId = flavor.body.flavor.id;
  after.add(() => compute('DELETE', `/flavors/${flavorId}`));

  const show = async (id: string) => (await compute('GET', `/servers/${id}`)).body.server;
  const settled = (id: string, status: string) =>
    until(
      () => show(id),
      (server) =>
        (server.status === status && server['OS-EXT-STS:task_state'] === null) ||
        (server.status === 'ERROR' && status !== 'ERROR'),
    ).then((server) => {
      expect(server.status, JSON.stringify(server.fault)).toBe(status);
      return server;
    });
  const remove = async (id: string) => {
    await compute('DELETE', `/servers/${id}`);
    await until(
      () => compute('GET', `/servers/${id}`),
      (answer) => answer.status === 404,
    );
  };
  const create = async (fields: object, who: Session = cloud.member) => {
    const server = { name: unique('server'), imageRef: imageId, flavorRef: flavorId, ...fields };
    const answer = await compute('POST', '/servers', { server }, '2.93', who);
    const id = answer.body?.server?.id;
    if (id) after.add(() => remove(id));
    return answer;
  };
  return {
    networkId,
    subnetId: subnet.body.subnet.id,
    imageId,
    flavorId,
    compute: (method, path, body, version) => compute(method, path, body, version),
    network,
    create,
    async boot(fields = {}, who = cloud.member) {
      const answer = await create({ networks: [{ uuid: networkId }], ...fields }, who);
      expect(answer.status, answer.text).toBe(202);
      return settled(answer.body.server.id, 'ACTIVE');
    },
    async port(fields = {}) {
      const answer = await network('POST', '/ports', {
        port: { network_id: networkId, project_id, ...fields },
      });
      expect(answer.status, answer.text).toBe(201);
      after.add(() => network('DELETE', `/ports/${answer.body.port.id}`));
      return answer.body.port;
    },
    act: (id, action, who = cloud.admin, version) =>
      compute('POST', `/servers/${id}/action`, action, version, who),
    show,
    settled,
    remove,
    clear: () => after.clear(),
  };
}
