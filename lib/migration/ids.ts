import { PumphouseError } from '../domain/errors.ts';
import type { PlanItem } from '../domain/plan.ts';
import { referenceKey } from '../domain/waves.ts';
import type { Ids } from '../resources/resource-type.ts';

/** The destination's ids as far as they are known; grows while a plan is made or carried out. */
export interface GrowingIds extends Ids {
  set(type: string, sourceId: string, destinationId: string): void;
}

export const idsOf = (items: readonly PlanItem[] = []): GrowingIds => {
  const known = new Map<string, string>();
  const set = (type: string, id: string, destinationId: string) =>
    known.set(referenceKey({ type, id }), destinationId);
  for (const { type, id, destinationId } of items) if (destinationId) set(type, id, destinationId);
  const maybe = (type: string, id: string) => known.get(referenceKey({ type, id }));
  return {
    set,
    maybe,
    of(type, id) {
      const destinationId = maybe(type, id);
      if (destinationId !== undefined) return destinationId;
      const message = `${type} ${id} has no counterpart at the destination yet`;
      throw new PumphouseError('ResourceNotFound', message);
    },
  };
};
