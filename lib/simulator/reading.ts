/** Reads of unchecked JSON: a wrong kind of value becomes an empty one. */
import type { Fields } from './model.ts';

export const recordOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown, otherwise = ''): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : otherwise;

export const textOrNull = (value: unknown): string | null =>
  typeof value === 'string' ? value : null;

export const numberOf = (value: unknown, otherwise = 0): number => {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : otherwise;
};

/** OpenStack's services take `True`, `true`, `1`, `yes` and `on` for true. */
export const isTrue = (value: unknown): boolean =>
  value === true || /^(true|1|yes|on|t)$/i.test(textOf(value));

/** The fields of `item` named in `names`. */
export const pick = (item: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.filter((name) => name in item).map((name) => [name, item[name]]));

/** Everything of `item` except the fields named in `names`. */
export const omit = (item: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));
