import type { PumphouseEvent } from './domain/event.ts';
import type { EventStore, NewEvent, WorldStore } from './ports.ts';

/**
 * Records that something happened: the event is committed first, the world follows from it.
 * The only writer of events and of the statuses that operations own (ADR 0004).
 *
 * Idempotent by the event's `step`: a repeat finds its own event and finishes what it left undone.
 */
export const record = async (
  { events, world }: { events: EventStore; world: WorldStore },
  event: NewEvent,
): Promise<PumphouseEvent> => {
  const recorded = await events.append(event);
  await world.apply(recorded);
  return recorded;
};
