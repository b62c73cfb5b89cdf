/**
 * The first way for an image to get from cloud to cloud: out of one Glance into the other through
 * this process, in constant memory, with a proof at the end.
 */
import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { canDigest, digest, digestByReading } from './digest.ts';

export interface ImageCopy {
  sourceImageId: string;
  /** A record that the caller has made, with the formats of the source. */
  destinationImageId: string;
  /** Told 10, 20 and so on up to 100, each once, as bytes pass. Must not throw. */
  onProgress?: (percent: number) => void;
}

export interface CopyProof {
  bytes: number;
  /** Equal at both clouds. `algorithm` as in Glance's `os_hash_algo`. */
  hash: { algorithm: string; value: string };
  /** False when the bytes had arrived before. */
  copied: boolean;
}

/** As much of an image as a copy needs. https://docs.openstack.org/api-ref/image/v2/#show-image */
interface Image {
  id: string;
  status: string;
  size?: number | null;
  os_hash_algo?: string | null;
  os_hash_value?: string | null;
}

interface Hashed {
  algorithm: string;
  value: string;
}

/** Where the source has no hash, ours is taken in Glance's default: the destination's, most likely. */
const GLANCE_DEFAULT = 'sha512';

const show = (cloud: Cloud, id: string): Promise<Image> => cloud.get('image', `/v2/images/${id}`);

const hashOf = (image: Image): Hashed | undefined =>
  image.os_hash_algo && image.os_hash_value
    ? { algorithm: image.os_hash_algo, value: image.os_hash_value }
    : undefined;

/** `remedy: 'recreate'` tells the caller to delete the destination's record and make it again. */
const failed = (
  name: 'ResourceFailed' | 'CopyCorrupted',
  message: string,
  details: Record<string, unknown>,
): PumphouseError => new PumphouseError(name, message, { details });

/** Calls back at each full tenth. The listener watches what the reader pulls; it pulls nothing itself. */
const observe = (body: Readable, see: (chunk: Buffer) => void): void => {
  body.pause();
  body.on('data', see);
};

const tenths = (size: number, onProgress: (percent: number) => void): ((chunk: Buffer) => void) => {
  let bytes = 0;
  let told = 0;
  return (chunk) => {
    bytes += chunk.length;
    while (told < 100 && bytes * 100 >= (told + 10) * size) {
      told += 10;
      onProgress(told);
    }
  };
};

/** Sends the bytes; hands back their hash if the source has none that we can compare. */
const copy = async (
  source: Cloud,
  destination: Cloud,
  image: Image,
  { destinationImageId, onProgress }: ImageCopy,
): Promise<Hashed | undefined> => {
  const stream = await source.download('image', `/v2/images/${image.id}/file`);
  const size = image.size ?? stream.size;
  if (size !== undefined && stream.size !== undefined && size !== stream.size) {
    stream.body.destroy();
    throw failed(
      'CopyCorrupted',
      `${source.name} sends ${stream.size} bytes of image ${image.id}, which has ${size}`,
      { imageId: image.id },
    );
  }
  if (onProgress !== undefined && size) observe(stream.body, tenths(size, onProgress));
  let hash: Hash | undefined;
  if (!canDigest(image.os_hash_algo ?? '')) {
    const taken = digest(GLANCE_DEFAULT);
    observe(stream.body, (chunk) => taken.update(chunk));
    hash = taken;
  }
  await destination.upload('image', `/v2/images/${destinationImageId}/file`, {
    body: stream.body,
    ...(size === undefined ? {} : { size }),
  });
  return hash && { algorithm: GLANCE_DEFAULT, value: hash.digest('hex') };
};

/** A hash that both sides can be compared in: one that a side names, else ours, else any. */
const commonAlgorithm = (from?: Hashed, to?: Hashed, ours?: Hashed): string => {
  if (from && from.algorithm === to?.algorithm) return from.algorithm;
  const known = [from, to].find((hash) => hash && canDigest(hash.algorithm));
  return (known ?? ours)?.algorithm ?? 'sha256';
};

/**
 * Compares what both hold. Equal `os_hash_value`s are the proof; where a cloud has none in the common
 * algorithm, its image is read (the source's not again, if it was hashed on its way).
 */
const prove = async (
  source: Cloud,
  destination: Cloud,
  from: Image,
  to: Image,
  ours?: Hashed,
): Promise<Omit<CopyProof, 'copied'>> => {
  const details = { imageId: to.id, imageStatus: to.status, remedy: 'recreate' };
  if (to.status !== 'active' || typeof to.size !== 'number' || (from.size ?? to.size) !== to.size)
    throw failed(
      'CopyCorrupted',
      `image ${to.id} is ${to.status} with ${to.size} bytes at the destination, ${from.size} at the source`,
      details,
    );
  const algorithm = commonAlgorithm(hashOf(from), hashOf(to), ours);
  const valueAt = async (cloud: Cloud, image: Image, taken?: Hashed) =>
    [hashOf(image), taken].find((hash) => hash?.algorithm === algorithm)?.value ??
    (await digestByReading(cloud, image.id, algorithm));
  const sent = await valueAt(source, from, ours);
  const arrived = await valueAt(destination, to);
  if (sent === arrived) return { bytes: to.size, hash: { algorithm, value: sent } };
  throw failed(
    'CopyCorrupted',
    `image ${to.id} differs from its source ${from.id}: ${algorithm} ${arrived} instead of ${sent}`,
    { ...details, algorithm, source: sent, destination: arrived },
  );
};

/**
 * Copies an image's bytes from cloud to cloud and proves that they arrived.
 *
 * Idempotent: a destination that is `active` is proved and not copied again. What a dead copy left
 * (`saving`, `killed`, or `active` with other bytes) is not touched: the error says
 * `details.remedy: 'recreate'`. A source that breaks off leaves the destination `queued`, since Glance
 * puts an upload back whose connection is cut before its end.
 *
 * Errors: ResourceFailed when either image is in no state to be copied, CopyCorrupted when the copy is
 * not equal, and those of `Cloud.download` and `Cloud.upload`.
 */
export const relay = async (
  source: Cloud,
  destination: Cloud,
  order: ImageCopy,
): Promise<CopyProof> => {
  const [from, to] = await Promise.all([
    show(source, order.sourceImageId),
    show(destination, order.destinationImageId),
  ]);
  if (from.status !== 'active' && from.status !== 'deactivated')
    throw failed('ResourceFailed', `image ${from.id} is ${from.status} at the source`, {
      imageId: from.id,
      imageStatus: from.status,
    });
  if (to.status === 'active')
    return { ...(await prove(source, destination, from, to)), copied: false };
  if (to.status !== 'queued')
    throw failed('ResourceFailed', `image ${to.id} is ${to.status} at the destination`, {
      imageId: to.id,
      imageStatus: to.status,
      remedy: 'recreate',
    });
  const ours = await copy(source, destination, from, order);
  const arrived = await show(destination, to.id);
  return { ...(await prove(source, destination, from, arrived, ours)), copied: true };
};
