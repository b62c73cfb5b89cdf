/** What the OpenStack client shows of servers, field by field and byte by byte, to lay before beside after. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenStackClient } from './openstack-client.ts';
import { until } from './until.ts';

type Fields = Record<string, unknown>;

export interface ServerRecord {
  name: string;
  /** The host, which is what changes; empty for a server that is on none. */
  host: string;
  fields: Fields;
}

/** By server id. */
export type ServerRecords = Record<string, ServerRecord>;

/** What says where a server is or when it was last at work, and nothing of what it is. */
const OF_THE_HOST = [
  ...['OS-EXT-SRV-ATTR:host', 'OS-EXT-SRV-ATTR:hypervisor_hostname', 'hostId', 'updated'],
  ...['OS-SRV-USG:launched_at', 'progress'],
];
const PORT_OF_THE_HOST = [
  'binding_host_id',
  'binding_vif_details',
  'revision_number',
  'updated_at',
];

/** States of which a snapshot can be taken. */
const READABLE = ['ACTIVE', 'PAUSED', 'SUSPENDED', 'SHUTOFF'];

/** Fields of the servers themselves: 2.90 shows all that there are. */
const VERSION = ['--os-compute-api-version', '2.90'];

const without = (fields: Fields, names: string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

const succeed = async (client: OpenStackClient, ...words: string[]) => {
  const { code, err } = await client.run(...words);
  if (code !== 0) throw new Error(`openstack ${words.join(' ')} ended with ${code}: ${err}`);
};

const portsOf = async (client: OpenStackClient, server: string): Promise<Fields[]> => {
  const rows = await client.json<{ ID: string }[]>('port', 'list', '--server', server);
  const ports: Fields[] = [];
  for (const { ID } of rows) {
    ports.push(without(await client.json<Fields>('port', 'show', ID), PORT_OF_THE_HOST));
  }
  return ports.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
};

/** Asks for a snapshot of each, so that the cloud takes them side by side; answers the images by server. */
const takeSnapshots = async (client: OpenStackClient, ids: string[]) => {
  const images: [string, string][] = [];
  for (const id of ids) {
    const words = ['server', 'image', 'create', '--name', `record-${id}`, id];
    images.push([id, String((await client.json<Fields>(...words)).id)]);
  }
  return images;
};

/** The hash of a snapshot, which is away afterwards. */
const hashOf = async (client: OpenStackClient, folder: string, image: string): Promise<string> => {
  await until(`image ${image}`, async () => {
    const { status } = await client.json<Fields>('image', 'show', image);
    return status === 'active';
  });
  const file = join(folder, image);
  await succeed(client, 'image', 'save', '--file', file, image);
  await succeed(client, 'image', 'delete', image);
  return createHash('sha512')
    .update(await readFile(file))
    .digest('hex');
};

/** Disks by server, read through the host that each is on. */
const readDisks = async (client: OpenStackClient, ids: string[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-disks-'));
  try {
    const hashes: Record<string, string> = {};
    for (const [id, image] of await takeSnapshots(client, ids)) {
      hashes[id] = await hashOf(client, folder, image);
    }
    return hashes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Records the servers as they are now. Leaves nothing behind. */
export const recordServers = async (
  client: OpenStackClient,
  ids: readonly string[],
): Promise<ServerRecords> => {
  const records: ServerRecords = {};
  for (const id of ids) {
    const shown = await client.json<Fields>(...VERSION, 'server', 'show', id);
    const ports = Object.entries(await portsOf(client, id));
    records[id] = {
      name: String(shown.name),
      host: String(shown['OS-EXT-SRV-ATTR:host'] ?? ''),
      fields: {
        ...without(shown, OF_THE_HOST),
        ...Object.fromEntries(ports.map(([at, port]) => [`port ${at}`, port])),
      },
    };
  }
  const readable = ids.filter((id) => READABLE.includes(String(records[id]?.fields.status)));
  const disks = await readDisks(client, readable);
  for (const id of readable) Object.assign(records[id]?.fields ?? {}, { disk: disks[id] });
  return records;
};

/** Every difference but the host's, as `NAME: FIELD: BEFORE -> AFTER`; how much was compared is printed. */
export const differences = (before: ServerRecords, after: ServerRecords): string[] => {
  let compared = 0;
  const found = Object.entries(before).flatMap(([id, { name, fields }]) => {
    const now = after[id]?.fields ?? {};
    const names = [...new Set([...Object.keys(fields), ...Object.keys(now)])];
    compared += names.length;
    return names
      .map((field) => [field, JSON.stringify(fields[field]), JSON.stringify(now[field])])
      .filter(([, was, is]) => was !== is)
      .map(([field, was, is]) => `${name}: ${field}: ${was} -> ${is}`);
  });
  const servers = Object.keys(before).length;
  const disks = Object.values(before).filter(({ fields }) => fields.disk !== undefined).length;
  console.log(
    `${servers} servers (${disks} disks), ${compared} fields, ${found.length} differences`,
  );
  return found;
};
