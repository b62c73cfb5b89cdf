/** The proof that the host works: a small server without a network boots on it, and goes again. */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Intent } from '../domain/plan.ts';
import type { Cloud } from '../ports.ts';
import type { Settings } from '../provisioners/settings.ts';
import { all } from '../resources/resource-type.ts';
import { getServer, OPERATION_MARK, type Server } from '../resources/server.ts';
import { tellProgress } from './progress.ts';
import type { Reassignment } from './reassignment.ts';

const GIB = 2 ** 30;

interface Flavor {
  id: string;
  name: string;
  /** MiB, GiB. */
  ram: number;
  disk: number;
  vcpus: number;
  extra_specs?: Record<string, string>;
}

interface Image {
  id: string;
  name: string | null;
  size: number | null;
  min_ram: number;
  min_disk: number;
  container_format: string | null;
  disk_format: string | null;
  image_type?: string;
  visibility: string;
  /** A project's id. */
  owner: string | null;
}

const nameOf = ({ operation }: Reassignment) => `pumphouse-smoke-${operation.id}`;

const listFlavors = (cloud: Cloud) =>
  all(cloud.list<Flavor>('compute', '/flavors/detail', 'flavors', { query: { is_public: true } }));

const listImages = (cloud: Cloud) =>
  all(cloud.list<Image>('image', '/v2/images', 'images', { query: { status: 'active' } }));

const isNamed = ({ id, name }: { id: string; name: string | null }, wanted?: string) =>
  wanted === undefined || id === wanted || name === wanted;

/** Whole disks that a server can boot from: no kernels, no containers, no snapshots of servers. */
const isBootable = ({ container_format, disk_format, image_type, size }: Image) =>
  container_format === 'bare' &&
  ['raw', 'qcow2'].includes(disk_format ?? '') &&
  image_type !== 'snapshot' &&
  Number(size) > 0;

/** An administrator is shown the private images of every tenant: the disks of customers are not ours to boot. */
const mayBoot = ({ visibility, owner }: Image, project: string) =>
  visibility === 'public' || owner === project;

const fits = (flavor: Flavor, { min_ram, min_disk, size }: Image) =>
  flavor.ram >= min_ram &&
  (flavor.disk === 0 || flavor.disk >= Math.max(min_disk, Number(size) / GIB));

/** A flavor with extra specs may be meant for other hosts than ours. */
const weight = ({ extra_specs, ram, disk, vcpus }: Flavor) =>
  Object.keys(extra_specs ?? {}).length * 1e12 + ram * 1e6 + disk * 1e3 + vcpus;

/**
 * The smallest image that is for everybody or our own, and the smallest flavor that takes it, unless
 * the operator has named them.
 * @throws ResourceNotFound
 */
export const smallest = async (
  cloud: Cloud,
  wanted: Settings['smoke'],
): Promise<{ image: Image; flavor: Flavor }> => {
  const flavors = (await listFlavors(cloud)).filter((one) => isNamed(one, wanted.flavor));
  const { projectId } = await cloud.self();
  const isSuited = (one: Image) => isBootable(one) && mayBoot(one, projectId);
  const images = (await listImages(cloud)).filter((one) =>
    wanted.image === undefined ? isSuited(one) : isNamed(one, wanted.image),
  );
  for (const image of images.sort((a, b) => Number(a.size) - Number(b.size))) {
    const suited = flavors.filter((flavor) => fits(flavor, image));
    const [flavor] = suited.sort((a, b) => weight(a) - weight(b));
    if (flavor) return { image, flavor };
  }
  const said = 'The destination has no image and flavor for the smoke server that fit each other';
  throw new PumphouseError('ResourceNotFound', `${said}; name them under pumphouse.smoke`);
};

const find = async (reassignment: Reassignment): Promise<Server[]> => {
  const { destination, operation } = reassignment;
  const query = { name: `^${nameOf(reassignment)}$` };
  const listed = destination.list<Server>('compute', '/servers/detail', 'servers', { query });
  return (await all(listed)).filter(({ metadata }) => metadata[OPERATION_MARK] === operation.id);
};

/** @see microversion 2.74: `host` goes through the scheduler, which refuses a disabled or full one */
const boot = async (reassignment: Reassignment): Promise<{ id: string }> => {
  const { destination, name: host, operation, settings } = reassignment;
  const { image, flavor } = await smallest(destination, settings.smoke);
  const { server } = await destination.post<{ server: Server }>('compute', '/servers', {
    server: {
      ...{ name: nameOf(reassignment), host, networks: 'none' },
      ...{ imageRef: image.id, flavorRef: flavor.id },
      metadata: { [OPERATION_MARK]: operation.id },
    },
  });
  return server;
};

const failed = (message: string) => new PumphouseError('ResourceFailed', message);

const untilActive = async (reassignment: Reassignment, intent: Intent, id: string) => {
  const { destination, name, settings, until } = reassignment;
  const what = `the smoke server on ${name} to boot`;
  const server = await until(intent, what, settings.deadlines.smoke, async () => {
    const seen = await getServer(destination, id);
    if (seen.status === 'ERROR')
      throw failed(
        `The smoke server did not boot on ${name}: ${seen.fault?.message ?? 'no reason'}`,
      );
    return seen.status === 'ACTIVE' && seen['OS-EXT-STS:task_state'] === null ? seen : undefined;
  });
  const on = server['OS-EXT-SRV-ATTR:host'];
  if (on !== name) throw failed(`The smoke server for ${name} was booted on ${on}`);
};

const isGone = async (cloud: Cloud, id: string) => {
  try {
    return (await getServer(cloud, id)).status === 'DELETED' || undefined;
  } catch (error) {
    if (isError(error, 'ResourceNotFound')) return true;
    throw error;
  }
};

/** Removes every smoke server of this operation, and sees them gone. Idempotent. */
export const removeSmoke = async (reassignment: Reassignment, intent: Intent): Promise<void> => {
  const { destination, settings, until } = reassignment;
  for (const { id } of await find(reassignment)) {
    await destination.delete('compute', `/servers/${id}`);
    const what = `the smoke server ${id} to be gone`;
    await until(intent, what, settings.deadlines.smoke, () => isGone(destination, id));
  }
};

/**
 * Boots the smoke server on the host, sees it ACTIVE there, and removes it.
 *
 * Idempotent: one that an earlier attempt booted is found by its name and mark.
 * @throws ResourceFailed with Nova's fault, StillWaiting, DeadlineExceeded
 */
export const smokeHost = async (reassignment: Reassignment): Promise<void> => {
  const { once } = reassignment;
  await once('smoke', async (intent) => {
    await tellProgress(reassignment, intent, 'smoke', { status: 'testing', progress: 0 });
    const [known] = await find(reassignment);
    const { id } = known ?? (await boot(reassignment));
    await untilActive(reassignment, intent, id);
  });
  await once('smoke removal', (intent) => removeSmoke(reassignment, intent));
};
