/** `limit` and `marker`: what all the services do alike. They differ in their words and in where the link goes. */
import type { Call } from './router.ts';

export interface Page<T> {
  items: T[];
  /** Query of the next page, when there is one. */
  next?: string;
}

/**
 * The part of `items` after `marker`, at most `limit` of them and never more than the cloud's maximum.
 * `unknownMarker` and `badLimit` throw in the service's own words.
 */
export function page<T>(
  call: Call,
  items: T[],
  idOf: (item: T) => string,
  words: { unknownMarker(marker: string): Error; badLimit(limit: string): Error; usual?: number },
): Page<T> {
  const marker = call.query.get('marker');
  const asked = call.query.get('limit');
  if (asked !== null && !/^\d+$/.test(asked)) throw words.badLimit(asked);
  let from = 0;
  if (marker) {
    const at = items.findIndex((item) => idOf(item) === marker);
    if (at < 0) throw words.unknownMarker(marker);
    from = at + 1;
  }
  const max = call.cloud.maxPage;
  const limit = Math.min(asked === null ? (words.usual ?? max) : Number(asked), max);
  const shown = items.slice(from, from + limit);
  const last = shown.at(-1);
  if (last === undefined || from + shown.length >= items.length) return { items: shown };
  const query = new URLSearchParams(call.query);
  query.set('limit', String(limit));
  query.set('marker', idOf(last));
  return { items: shown, next: query.toString() };
}

/** Sorts by `sort=key:dir,...` or `sort_key`/`sort_dir`; without either the order stays. */
export function sorted<T>(call: Call, items: T[], fieldOf: (item: T, key: string) => unknown): T[] {
  const keys = call.query.getAll('sort_key');
  const dirs = call.query.getAll('sort_dir');
  const pairs = (call.query.get('sort') ?? '').split(',').filter(Boolean);
  const order = pairs.length
    ? pairs.map((pair) => pair.split(':'))
    : keys.map((key, at) => [key, dirs[at] ?? 'desc']);
  if (order.length === 0) return items;
  return [...items].sort((a, b) => {
    for (const [key = '', dir] of order) {
      const [left, right] = [String(fieldOf(a, key) ?? ''), String(fieldOf(b, key) ?? '')];
      if (left !== right) return (left < right ? -1 : 1) * (dir === 'desc' ? -1 : 1);
    }
    return 0;
  });
}
