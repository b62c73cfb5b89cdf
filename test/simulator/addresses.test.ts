import { describe, expect, test } from 'vitest';
import {
  addressNumber,
  addressText,
  blockOf,
  contains,
  defaultPools,
  freeAddress,
  overlap,
} from '../../lib/simulator/network/addresses.ts';

const block = (cidr: string) => {
  const found = blockOf(cidr);
  if (!found) throw new Error(`${cidr} is no network`);
  return found;
};

describe('addresses', () => {
  test.each(['0.0.0.0', '10.20.0.255', '255.255.255.255', '2001:db8::1', '::', 'fe80::1:0:2'])(
    '%s is the same after a way through its number',
    (address) => {
      const version = address.includes(':') ? 6 : 4;
      expect(addressText(addressNumber(address) ?? -1n, version)).toBe(address);
    },
  );

  test.each(['10.0.0.0/33', 'junk', '10.0.0.0', '10.0.0/8', '2001:db8::/129'])(
    '%s is no network',
    (text) => expect(blockOf(text)).toBeUndefined(),
  );

  test('a network begins where its bits say', () => {
    expect(block('10.1.2.3/16').cidr).toBe('10.1.0.0/16');
    expect(block('2001:db8::5/64').cidr).toBe('2001:db8::/64');
  });

  test('networks overlap and contain', () => {
    expect(overlap(block('10.0.0.0/8'), block('10.9.0.0/24'))).toBe(true);
    expect(overlap(block('10.0.0.0/24'), block('10.0.1.0/24'))).toBe(false);
    expect(contains(block('10.0.0.0/24'), '10.0.0.7')).toBe(true);
    expect(contains(block('10.0.0.0/24'), '10.0.1.7')).toBe(false);
  });

  test('pools leave out network, broadcast and gateway', () => {
    expect(defaultPools(block('10.0.0.0/29'), '10.0.0.1')).toEqual([
      { start: '10.0.0.2', end: '10.0.0.6' },
    ]);
    expect(defaultPools(block('10.0.0.0/29'), '10.0.0.3')).toEqual([
      { start: '10.0.0.1', end: '10.0.0.2' },
      { start: '10.0.0.4', end: '10.0.0.6' },
    ]);
    expect(defaultPools(block('10.0.0.0/30'), null)).toEqual([
      { start: '10.0.0.1', end: '10.0.0.2' },
    ]);
  });

  test('the first free address of the pools is given until there is none', () => {
    const pools = [
      { start: '10.0.0.1', end: '10.0.0.1' },
      { start: '10.0.0.5', end: '10.0.0.6' },
    ];
    expect(freeAddress(pools, 4, new Set())).toBe('10.0.0.1');
    expect(freeAddress(pools, 4, new Set(['10.0.0.1', '10.0.0.5']))).toBe('10.0.0.6');
    expect(freeAddress(pools, 4, new Set(['10.0.0.1', '10.0.0.5', '10.0.0.6']))).toBeUndefined();
  });
});
