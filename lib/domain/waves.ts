/** Orders what depends on each other into waves: a wave needs only what earlier waves made. */
import { PumphouseError } from './errors.ts';
import type { Reference } from './plan.ts';

export const referenceKey = ({ type, id }: Reference) => `${type}:${id}`;

/**
 * The wave of each item, from 0. References to things that are not in the list are ignored: they
 * are looked up, not made.
 * @throws PlanBlocked when items need each other in a circle; the message names the circle
 */
export const sortIntoWaves = (
  items: readonly (Reference & { needs: readonly Reference[] })[],
): Map<string, number> => {
  const byKey = new Map(items.map((item) => [referenceKey(item), item]));
  const waves = new Map<string, number>();
  const visit = (key: string, path: readonly string[]): number => {
    const known = waves.get(key);
    if (known !== undefined) return known;
    if (path.includes(key)) {
      const circle = [...path.slice(path.indexOf(key)), key].join(' needs ');
      throw new PumphouseError('PlanBlocked', `The plan goes round in a circle: ${circle}`);
    }
    const needs = byKey.get(key)?.needs.map(referenceKey) ?? [];
    const before = needs.filter((need) => byKey.has(need));
    const wave = Math.max(-1, ...before.map((need) => visit(need, [...path, key]))) + 1;
    waves.set(key, wave);
    return wave;
  };
  for (const key of byKey.keys()) visit(key, []);
  return waves;
};
