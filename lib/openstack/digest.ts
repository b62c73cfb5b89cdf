/** Hashes of images under the names that Glance gives them. */
import { createHash, getHashes, type Hash } from 'node:crypto';
import type { Cloud } from '../ports.ts';

/** Glance names algorithms as Python's hashlib does, Node as OpenSSL does. */
const opensslName = (algorithm: string): string =>
  ({ blake2b: 'blake2b512', blake2s: 'blake2s256' })[algorithm] ?? algorithm.replaceAll('_', '-');

/** True when we can compute what Glance calls `os_hash_algo`. */
export const canDigest = (algorithm: string): boolean =>
  getHashes().includes(opensslName(algorithm));

export const digest = (algorithm: string): Hash => createHash(opensslName(algorithm));

/**
 * The hash of an image's bytes, by reading all of them.
 *
 * Errors: those of `Cloud.download`.
 */
export const digestByReading = async (
  cloud: Cloud,
  imageId: string,
  algorithm: string,
): Promise<string> => {
  const { body } = await cloud.download('image', `/v2/images/${imageId}/file`);
  const hash = digest(algorithm);
  for await (const chunk of body) hash.update(chunk as Buffer);
  return hash.digest('hex');
};
