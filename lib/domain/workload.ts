/**
 * The workload that a reset populates the source with: counts (`populate`), which are spelled out
 * here, or a list of everything (`workloads`). Names are without the prefix, which all of them get.
 */
import { PumphouseError } from './errors.ts';

export interface WorkloadFlavor {
  name: string;
  vcpus: number;
  /** MiB. */
  ram: number;
  /** GiB. */
  disk: number;
}

export interface WorkloadImage {
  name: string;
  /** MiB of made-up bytes, where no `url` says what the bytes are. */
  size: number;
  url?: string;
  format: string;
}

export interface WorkloadVolume {
  name: string;
  /** GiB. */
  size: number;
}

export interface WorkloadServer {
  name: string;
  image: string;
  flavor: string;
  network: string;
  floating_ip: boolean;
  volumes: WorkloadVolume[];
}

export interface WorkloadTenant {
  name: string;
  description: string;
  users: { name: string; role?: string; keypair?: string }[];
  networks: { name: string; cidr: string }[];
  servers: WorkloadServer[];
  volumes: WorkloadVolume[];
  /** Addresses that lead nowhere yet. */
  floating_ips: number;
}

export interface Workload {
  /** Where floating IPs come from; without it the only external network there is. */
  external_network?: string;
  roles: { name: string }[];
  flavors: WorkloadFlavor[];
  images: WorkloadImage[];
  tenants: WorkloadTenant[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;
const CIDR = /^(\d{1,3}\.){3}\d{1,3}\/(1\d|2[0-8]|[89])$/;

const wrong = (where: string, said: string) =>
  new PumphouseError('InvalidRequest', `The workload's ${where} ${said}`, {
    details: { field: where },
  });

/** One object of the file; every field is asked for by name, and what nobody asked for is refused. */
const reader = (value: unknown, where: string) => {
  if (!value || typeof value !== 'object' || Array.isArray(value))
    throw wrong(where, 'takes fields');
  const given = new Map(Object.entries(value).filter(([, inner]) => inner !== null));
  const at = (key: string) => `${where}.${key}`;
  const take = (key: string) => {
    const found = given.get(key) as unknown;
    given.delete(key);
    return found;
  };
  const text = (key: string, form: RegExp, otherwise?: string): string => {
    const found = take(key) ?? otherwise;
    if (typeof found === 'string' && form.test(found)) return found;
    throw wrong(at(key), found === undefined ? 'is missing' : `is ${JSON.stringify(found)}`);
  };
  return {
    text,
    name: (key = 'name') => text(key, NAME),
    maybe: (key: string, form: RegExp) => (given.has(key) ? text(key, form) : undefined),
    number(key: string, otherwise: number, low: number, high: number): number {
      const found = take(key) ?? otherwise;
      if (Number.isInteger(found) && Number(found) >= low && Number(found) <= high)
        return Number(found);
      throw wrong(at(key), `is ${JSON.stringify(found)}; it takes ${low} to ${high}`);
    },
    flag(key: string): boolean {
      const found = take(key) ?? false;
      if (typeof found === 'boolean') return found;
      throw wrong(at(key), 'takes true or false');
    },
    list<T extends object>(key: string, read: (inner: unknown, where: string) => T): T[] {
      const found = take(key) ?? [];
      if (!Array.isArray(found)) throw wrong(at(key), 'takes a list');
      const items = found.map((inner, index) => read(inner, `${at(key)}[${index}]`));
      const names = items.flatMap((item) => ('name' in item ? [String(item.name)] : []));
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice) throw wrong(at(key), `has ${twice} twice`);
      return items;
    },
    /** Drops what is absent, refuses what is unknown. */
    whole<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
      const [unknown] = given.keys();
      if (unknown !== undefined) throw wrong(at(unknown), 'is not known');
      const present = Object.entries(fields).filter(([, inner]) => inner !== undefined);
      return Object.fromEntries(present) as T;
    },
  };
};

const flavorOf = (value: unknown, where: string): WorkloadFlavor => {
  const { name, number, whole } = reader(value, where);
  const sizes = { vcpus: number('vcpus', 1, 1, 128), ram: number('ram', 512, 1, 1_048_576) };
  return whole({ name: name(), ...sizes, disk: number('disk', 1, 0, 10_000) });
};

const imageOf = (value: unknown, where: string): WorkloadImage => {
  const { name, number, text, maybe, whole } = reader(value, where);
  const fields = { name: name(), size: number('size', 4, 1, 2048) };
  const url = maybe('url', /^https?:\/\/\S+$/);
  // Bytes that are made up are a raw disk and nothing else.
  const format = text('format', url ? /^(raw|qcow2|vmdk|vdi|vhd|vhdx|iso)$/ : /^raw$/, 'raw');
  return whole<WorkloadImage>({ ...fields, url, format } as WorkloadImage);
};

const volumeOf = (value: unknown, where: string): WorkloadVolume => {
  const { name, number, whole } = reader(value, where);
  return whole({ name: name(), size: number('size', 1, 1, 10_000) });
};

const userOf = (value: unknown, where: string): WorkloadTenant['users'][number] => {
  const { name, maybe, whole } = reader(value, where);
  const fields = { name: name(), role: maybe('role', NAME), keypair: maybe('keypair', NAME) };
  return whole(fields as WorkloadTenant['users'][number]);
};

const networkOf = (value: unknown, where: string): WorkloadTenant['networks'][number] => {
  const { name, text, whole } = reader(value, where);
  return whole({ name: name(), cidr: text('cidr', CIDR, '10.42.0.0/24') });
};

/** One of those that there are; the first one unless it is named. */
const oneOf = (what: string, given: string | undefined, known: { name: string }[], at: string) => {
  const found = given === undefined ? known[0] : known.find(({ name }) => name === given);
  if (found) return found.name;
  throw wrong(`${at}.${what}`, given === undefined ? 'is missing' : `${given} is not in the list`);
};

const tenantOf =
  ({ images, flavors }: Pick<Workload, 'images' | 'flavors'>) =>
  (value: unknown, where: string): WorkloadTenant => {
    const { name, text, list, number, whole } = reader(value, where);
    const networks = list('networks', networkOf);
    const serverOf = (inner: unknown, at: string): WorkloadServer => {
      const one = reader(inner, at);
      return one.whole({
        name: one.name(),
        image: oneOf('image', one.maybe('image', NAME), images, at),
        flavor: oneOf('flavor', one.maybe('flavor', NAME), flavors, at),
        network: oneOf('network', one.maybe('network', NAME), networks, at),
        floating_ip: one.flag('floating_ip'),
        volumes: one.list('volumes', volumeOf),
      });
    };
    return whole({
      ...{ name: name(), description: text('description', /^.{0,200}$/, '') },
      ...{ users: list('users', userOf), networks, servers: list('servers', serverOf) },
      ...{ volumes: list('volumes', volumeOf), floating_ips: number('floating_ips', 0, 0, 100) },
    });
  };

const listed = (value: unknown): Omit<Workload, 'external_network'> => {
  const { list, whole } = reader(value, 'workloads');
  const flavors = list('flavors', flavorOf);
  const images = list('images', imageOf);
  const roles = list('roles', (inner, where) => {
    const one = reader(inner, where);
    return one.whole({ name: one.name() });
  });
  return whole({ flavors, images, roles, tenants: list('tenants', tenantOf({ flavors, images })) });
};

const numbered = <T>(count: number, make: (number: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at + 1));

/** Everything by number, the same for the same counts. */
const spelledOut = (value: unknown): Omit<Workload, 'external_network'> => {
  const { number, whole } = reader(value, 'populate');
  const count = {
    ...{ tenants: number('tenants', 2, 1, 200), servers: number('servers', 2, 0, 100) },
    ...{ images: number('images', 1, 1, 20), volumes: number('volumes', 0, 0, 10) },
    ...{ floating_ips: number('floating_ips', 0, 0, 100) },
    ...{
      image_size: number('image_size', 4, 1, 2048),
      volume_size: number('volume_size', 1, 1, 100),
    },
  };
  whole({});
  const image = (at: number) => `image-${((at - 1) % count.images) + 1}`;
  const volume = (of: string) => (at: number) => ({ name: `${of}-${at}`, size: count.volume_size });
  return {
    roles: [],
    flavors: [{ name: 'flavor', vcpus: 1, ram: 512, disk: 1 }],
    images: numbered(count.images, (at) => {
      return { name: image(at), size: count.image_size, format: 'raw' };
    }),
    tenants: numbered(count.tenants, (tenant) => ({
      ...{ name: `tenant-${tenant}`, description: `Rehearsal tenant ${tenant}` },
      users: [{ name: `user-${tenant}`, keypair: `keypair-${tenant}` }],
      networks: [{ name: `network-${tenant}`, cidr: `10.42.${tenant}.0/24` }],
      servers: numbered(count.servers, (at) => ({
        ...{ name: `server-${tenant}-${at}`, image: image(at), flavor: 'flavor' },
        ...{ network: `network-${tenant}`, floating_ip: at <= count.floating_ips },
        volumes: numbered(count.volumes, volume(`volume-${tenant}-${at}`)),
      })),
      ...{ volumes: [], floating_ips: Math.max(0, count.floating_ips - count.servers) },
    })),
  };
};

/**
 * Reads a workload as it was parsed from its file.
 * @throws InvalidRequest naming the field that is missing, wrong or unknown
 */
export const workloadOf = (value: unknown): Workload => {
  if (!value || typeof value !== 'object' || Array.isArray(value))
    throw wrong('file', 'takes populate or workloads');
  const { populate, workloads, ...rest } = value as Record<string, unknown>;
  if ((populate === undefined) === (workloads === undefined))
    throw wrong('file', 'takes either populate or workloads');
  const { maybe, whole } = reader(rest, 'file');
  const external = maybe('external_network', /^.{1,255}$/);
  const given = workloads === undefined ? spelledOut(populate) : listed(workloads);
  return { ...whole<Workload>({ external_network: external } as Workload), ...given };
};
