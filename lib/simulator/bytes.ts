/**
 * The bytes of images, disks and volumes. An object names segments; only uploaded and seeded ones are files.
 * A server's disk is its image plus one 512-byte record that names the server, so it needs no file.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Segment } from './model.ts';

const RECORD_BYTES = 512;
const CHUNK = 256 * 1024;

export interface Digest {
  size: number;
  md5: string;
  sha512: string;
  /** The first bytes, for what a disk format says in its header. */
  head: Buffer;
}

export interface Bytes {
  /** Stores a body under a new name. Memory stays constant; nothing remains when the body breaks off. */
  keep(body: Readable, through?: Transform): Promise<Digest & { blob: string }>;
  /** The bytes `from` to `to` (both included) of what the segments make up. */
  read(segments: readonly Segment[], from?: number, to?: number): Readable;
  digest(segments: readonly Segment[]): Promise<Digest>;
  /** Removes every file that `used` does not name. */
  sweep(used: ReadonlySet<string>): void;
}

export const sizeOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, segment) => sum + segment.bytes, 0);

/** What a fake guest wrote on its disk: the proof of whose disk an image is. */
export const guestRecord = (serverId: string, hostname: string): Segment => ({
  record: `bed-guest ${serverId} ${hostname}\n`,
  bytes: RECORD_BYTES,
});

export function byteStore(folder: string): Bytes {
  mkdirSync(folder, { recursive: true });
  const keeping = new Set<string>();
  const read = (segments: readonly Segment[], from = 0, to = sizeOf(segments) - 1) =>
    Readable.from(slices(folder, segments, from, to), { objectMode: false, highWaterMark: CHUNK });
  return {
    async keep(body, through) {
      const blob = randomUUID();
      const part = join(folder, `${blob}.part`);
      keeping.add(blob);
      try {
        const tally = tallyOf();
        const out = createWriteStream(part);
        await (through
          ? pipeline(body, through, tally.pass, out)
          : pipeline(body, tally.pass, out));
        await rename(part, join(folder, blob));
        return { blob, ...tally.result() };
      } catch (error) {
        rmSync(part, { force: true });
        throw error;
      } finally {
        keeping.delete(blob);
      }
    },
    read,
    async digest(segments) {
      const tally = tallyOf();
      for await (const _ of tally.pass(read(segments)));
      return tally.result();
    },
    sweep(used) {
      for (const name of readdirSync(folder)) {
        const blob = name.replace(/\.part$/, '');
        if (!used.has(blob) && !keeping.has(blob)) rmSync(join(folder, name), { force: true });
      }
    },
  };
}

/** Hashes what passes through. */
function tallyOf() {
  const md5 = createHash('md5');
  const sha512 = createHash('sha512');
  let size = 0;
  let head = Buffer.alloc(0);
  return {
    async *pass(chunks: AsyncIterable<unknown>) {
      for await (const chunk of chunks) {
        const bytes = chunk as Buffer;
        md5.update(bytes);
        sha512.update(bytes);
        size += bytes.length;
        if (head.length < 64) head = Buffer.concat([head, bytes.subarray(0, 64)]);
        yield bytes;
      }
    },
    result: () => ({ size, md5: md5.digest('hex'), sha512: sha512.digest('hex'), head }),
  };
}

async function* slices(folder: string, segments: readonly Segment[], from: number, to: number) {
  let start = 0;
  for (const segment of segments) {
    const first = Math.max(from - start, 0);
    const last = Math.min(to - start, segment.bytes - 1);
    start += segment.bytes;
    if (first > last) continue;
    if ('blob' in segment) {
      yield* createReadStream(join(folder, segment.blob), {
        start: first,
        end: last,
        highWaterMark: CHUNK,
      });
    } else if ('record' in segment) {
      const whole = Buffer.alloc(segment.bytes);
      whole.write(segment.record);
      yield whole.subarray(first, last + 1);
    } else {
      for (let left = last - first + 1; left > 0; left -= CHUNK)
        yield Buffer.alloc(Math.min(left, CHUNK));
    }
  }
}
