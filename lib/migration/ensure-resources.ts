import { PumphouseError } from '../domain/errors.ts';
import type { PlanItem } from '../domain/plan.ts';
import { each } from '../each.ts';
import type { Clock } from '../ports.ts';
import { type Ensuring, ensureResource } from './ensure-resource.ts';
import { GRANT } from './grant.ts';
import type { GrowingIds } from './ids.ts';

/** Objects of one wave that are brought over at once. */
const AT_ONCE = 8;

/** What the waves bring over; servers and our own grant go other ways. */
const inWaves = ({ type }: PlanItem) => type !== 'server' && type !== GRANT.type;

/**
 * Brings over everything that servers need, wave after wave. Stops after `seconds`, so that one
 * task's life bounds it whatever the tenant's size; called again, it goes on where it was. Asks
 * `goOn` before each object, and begins none when that throws.
 * @throws StillWaiting when time is up and there is more
 */
export const ensureResources = async (
  ensuring: Ensuring & { ids: GrowingIds; clock: Clock; goOn?: () => Promise<void> },
  items: readonly PlanItem[],
  seconds: number,
): Promise<void> => {
  const { ids, clock, goOn } = ensuring;
  const end = clock.now().getTime() + seconds * 1000;
  const open = items.filter((item) => inWaves(item) && item.state === 'planned');
  const waves = Map.groupBy(open, ({ wave }) => wave);
  for (const wave of [...waves.keys()].sort((a, b) => a - b)) {
    await each(waves.get(wave) ?? [], AT_ONCE, async (item) => {
      if (clock.now().getTime() > end) {
        throw new PumphouseError(
          'StillWaiting',
          `There are more resources to ensure, from wave ${wave}`,
        );
      }
      await goOn?.();
      const { type, id, destinationId } = await ensureResource(ensuring, item);
      if (destinationId) ids.set(type, id, destinationId);
    });
  }
};
