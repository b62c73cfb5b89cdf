/** Arithmetic of IP addresses, v4 and v6, on big integers. */
import { isIP } from 'node:net';

const V4_BITS = 32;
const V6_BITS = 128;

export interface Block {
  version: 4 | 6;
  first: bigint;
  last: bigint;
  cidr: string;
}

export function addressNumber(address: string): bigint | undefined {
  const version = isIP(address);
  if (version === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  if (version !== 6) return undefined;
  const [head = '', tail] = address.split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const gap = tail === undefined ? 0 : 8 - left.length - right.length;
  const parts = [...left, ...Array(gap).fill('0'), ...right];
  return parts.reduce((sum, part) => sum * 65536n + BigInt(`0x${part}`), 0n);
}

export function addressText(number: bigint, version: number): string {
  if (version === 4)
    return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  const hex = number.toString(16).padStart(32, '0');
  const long = (hex.match(/.{4}/g) ?? []).join(':');
  return new URL(`http://[${long}]`).hostname.slice(1, -1);
}

/** Undefined when `cidr` is not a network in prefix notation. */
export function blockOf(cidr: string): Block | undefined {
  const [address = '', length = ''] = cidr.split('/');
  const number = addressNumber(address);
  const version = isIP(address) === 6 ? 6 : 4;
  const bits = version === 6 ? V6_BITS : V4_BITS;
  if (number === undefined || !/^\d+$/.test(length) || Number(length) > bits) return undefined;
  const host = BigInt(bits - Number(length));
  const first = (number >> host) << host;
  const text = `${addressText(first, version)}/${Number(length)}`;
  return { version, first, last: first + (1n << host) - 1n, cidr: text };
}

export function contains(block: Block | undefined, address: string): boolean {
  const number = addressNumber(address);
  return !!block && number !== undefined && number >= block.first && number <= block.last;
}

export const overlap = (a: Block, b: Block): boolean =>
  a.version === b.version && a.first <= b.last && b.first <= a.last;

/** Neutron's default: all addresses but network, broadcast (v4) and gateway. */
export function defaultPools(block: Block, gateway: string | null) {
  const first = block.first + 1n;
  const last = block.version === 4 ? block.last - 1n : block.last;
  const hole = gateway === null ? undefined : addressNumber(gateway);
  const spans: [bigint, bigint][] =
    hole !== undefined && hole >= first && hole <= last
      ? [
          [first, hole - 1n],
          [hole + 1n, last],
        ]
      : [[first, last]];
  return spans
    .filter(([start, end]) => start <= end)
    .map(([start, end]) => ({
      start: addressText(start, block.version),
      end: addressText(end, block.version),
    }));
}

/** The first address of the pools that `taken` does not hold. */
export function freeAddress(
  pools: readonly { start: string; end: string }[],
  version: number,
  taken: ReadonlySet<string>,
): string | undefined {
  for (const pool of pools) {
    const end = addressNumber(pool.end) ?? -1n;
    for (let at = addressNumber(pool.start) ?? 0n; at <= end; at += 1n) {
      const text = addressText(at, version);
      if (!taken.has(text)) return text;
    }
  }
  return undefined;
}
