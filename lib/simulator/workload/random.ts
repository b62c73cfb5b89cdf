/** Numbers, ids and bytes that follow from a seed: the same seed makes the same workload. */
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

export interface Dice {
  /** 0 to below `count`. */
  below(count: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(count: number): Buffer;
  uuid(): string;
}

/** Mulberry32 (public domain, Tommy Ettinger): small, and good enough for names. */
export function dice(seed: number, purpose: string): Dice {
  let state = createHash('sha256').update(`${seed}/${purpose}`).digest().readUInt32LE(0);
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (count: number) => next() % count;
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => next() & 255));
  return {
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    bytes,
    uuid() {
      const hex = bytes(16).toString('hex');
      const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`];
      return [...parts, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
    },
  };
}

const CHUNK = 256 * 1024;

/** An endless-looking disk of `size` bytes: a header, then the key stream of AES in counter mode. */
export function diskBytes(seed: number, name: string, size: number, header: Buffer): Readable {
  const key = createHash('md5').update(`${seed}/${name}`).digest();
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK);
  const chunks = function* () {
    yield header;
    for (let left = size - header.length; left > 0; left -= CHUNK)
      yield cipher.update(zeros.subarray(0, Math.min(left, CHUNK)));
  };
  return Readable.from(chunks(), { objectMode: false });
}

/** A public key of the right form, for which nobody has the private one. */
export function publicKey(die: Dice, comment: string): string {
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(die.bytes(32))]);
  return `ssh-ed25519 ${blob.toString('base64')} ${comment}`;
}
