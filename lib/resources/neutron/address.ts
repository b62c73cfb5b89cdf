/** IP addresses as numbers: enough of them to compare prefixes and to walk allocation pools. */

const isV6 = (address: string) => address.includes(':');

/** The eight groups of an IPv6 address; the URL parser knows every way of writing one. */
const groups = (address: string): string[] => {
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = short.split('::');
  const split = (text: string | undefined) => (text ? text.split(':') : []);
  const [before, after] = [split(head), split(tail)];
  return [...before, ...Array(8 - before.length - after.length).fill('0'), ...after];
};

export const numberOf = (address: string): bigint =>
  isV6(address)
    ? groups(address).reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
    : address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);

export const ipv4Of = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');

interface Prefix {
  version: 4 | 6;
  first: bigint;
  length: number;
}

/** The network that an address with or without a mask stands for; without one it is the host alone. */
const prefixOf = (cidr: string): Prefix => {
  const [address = '', mask] = cidr.split('/');
  const bits = isV6(address) ? 128 : 32;
  const length = mask === undefined ? bits : Number(mask);
  const host = BigInt(bits - length);
  return { version: isV6(address) ? 6 : 4, first: (numberOf(address) >> host) << host, length };
};

/** One text for all ways of writing a prefix; undefined for one that holds every address. */
export const canonicalPrefix = (cidr: string | null | undefined): string | undefined => {
  if (!cidr) return undefined;
  const { version, first, length } = prefixOf(cidr);
  return length === 0 ? undefined : `${version}:${first.toString(16)}/${length}`;
};

export const contains = (cidr: string, address: string): boolean => {
  const { version, length } = prefixOf(cidr);
  if ((version === 6) !== isV6(address)) return false;
  return canonicalPrefix(cidr) === canonicalPrefix(`${address}/${length}`);
};
