/** What servers are made of: flavors and images. */
import { Readable } from 'node:stream';
import { PumphouseError } from '../domain/errors.ts';
import type { WorkloadFlavor, WorkloadImage } from '../domain/workload.ts';
import type { ByteStream, Cloud } from '../ports.ts';
import type { Flavor } from '../resources/flavor.ts';
import type { Image } from '../resources/image.ts';
import type { Step } from './step.ts';

const CHUNK_BYTES = 65_536;
const MIB = 1_048_576;

const flavorNamed = async (cloud: Cloud, wanted: string): Promise<string | undefined> => {
  const query = { is_public: 'None' };
  const listed = cloud.list<Flavor>('compute', '/flavors/detail', 'flavors', { query });
  for await (const { id, name } of listed) if (name === wanted) return id;
  return undefined;
};

export const flavorStep = (label: string, { name: key, ...sizes }: WorkloadFlavor): Step => ({
  ...{ type: 'flavor', key, label, wave: 0 },
  find: ({ cloud }) => flavorNamed(cloud, label),
  async make({ cloud }) {
    const body = { flavor: { name: label, ...sizes } };
    return (await cloud.post<{ flavor: Flavor }>('compute', '/flavors', body)).flavor.id;
  },
  tell: (_ground, id) => [{ name: 'flavor created', data: { id, name: label, ...sizes } }],
});

/** Bytes that say whose they are, over and over; no two images have the same. */
const madeUp = (label: string, mib: number): ByteStream => {
  const chunk = Buffer.alloc(CHUNK_BYTES, `${label} `);
  const chunks = Array.from({ length: (mib * MIB) / CHUNK_BYTES }, () => chunk);
  return { body: Readable.from(chunks), size: mib * MIB };
};

const fetched = async (url: string): Promise<ByteStream> => {
  const { ok, status, body, headers } = await fetch(url).catch((cause: unknown) => {
    throw new PumphouseError('CloudUnavailable', `${url} cannot be fetched`, { cause });
  });
  if (!ok || !body) throw new PumphouseError('RequestRefused', `${url} answered ${status}`);
  const size = Number(headers.get('content-length') ?? 0);
  const stream = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  return { body: stream, ...(size > 0 && !headers.get('content-encoding') && { size }) };
};

/** One that an upload died in takes no other bytes: it goes, and is made again. */
const imageNamed = async (cloud: Cloud, name: string): Promise<string | undefined> => {
  const query = { name };
  for await (const { id, status } of cloud.list<Image>('image', '/v2/images', 'images', {
    query,
  })) {
    if (status === 'queued' || status === 'active') return id;
    await cloud.delete('image', `/v2/images/${id}`);
  }
  return undefined;
};

export const imageStep = (label: string, image: WorkloadImage): Step => ({
  ...{ type: 'image', key: image.name, label, wave: 0 },
  find: ({ cloud }) => imageNamed(cloud, label),
  async make({ cloud }) {
    const { format: disk_format } = image;
    const body = { name: label, disk_format, container_format: 'bare', visibility: 'public' };
    return (await cloud.post<Image>('image', '/v2/images', body)).id;
  },
  async settle({ cloud }, id) {
    const { status } = await cloud.get<Image>('image', `/v2/images/${id}`);
    if (status !== 'queued') return;
    const bytes = image.url ? await fetched(image.url) : madeUp(label, image.size);
    await cloud.upload('image', `/v2/images/${id}/file`, bytes);
  },
  tell: (_ground, id) => [
    { name: 'image created', data: { id, name: label } },
    { name: 'image uploaded', data: { id } },
  ],
});
