/** How each kind of operation begins and ends in its stream: said here once, for whoever begins, ends or sweeps. */
import type { EventData, EventName } from './event.ts';
import type { Operation } from './operation.ts';
import { CLOUD_NAMES, type CloudName } from './world.ts';

/** An event before it has its operation, as `record` takes it. */
export interface LifecycleEvent {
  step: string;
  name: EventName;
  data: EventData;
  last?: true;
}

/** The event that opens the stream. */
export const firstEvent = ({ kind, subject }: Operation): LifecycleEvent => {
  if (kind === 'reset') return { step: 'begin', name: 'reset start', data: {} };
  const name = kind === 'migration' ? 'tenant migrate' : 'host evacuate';
  return { step: 'begin', name, data: { id: subject.id } };
};

/** The clouds that a reset is about, in the order in which their ends are told. */
export const resetOf = ({ input }: Operation): CloudName[] =>
  CLOUD_NAMES.filter((cloud) => !Array.isArray(input.clouds) || input.clouds.includes(cloud));

const resetEvents = (operation: Operation, outcome: EventData): LifecycleEvent[] => {
  const clouds = resetOf(operation);
  return clouds.map((cloud, index) => ({
    step: index === clouds.length - 1 ? 'end' : `end ${cloud}`,
    name: 'reset completed',
    data: { cloud, ...outcome },
    ...(index === clouds.length - 1 && { last: true as const }),
  }));
};

/** What the stream ends with: one event, or for a reset one for each cloud; the last of them is `last`. */
export const closingEvents = (
  operation: Operation,
  status: '' | 'error',
  reason?: string,
): LifecycleEvent[] => {
  const outcome = { status, ...(reason && { reason }) };
  if (operation.kind === 'reset') return resetEvents(operation, outcome);
  const name = operation.kind === 'migration' ? 'tenant migrated' : 'host evacuated';
  return [{ step: 'end', name, data: { id: operation.subject.id, ...outcome }, last: true }];
};

/** The event that closes the stream; `status` is `''` or `'error'`, with a reason that people read. */
export const lastEvent = (
  operation: Operation,
  status: '' | 'error',
  reason?: string,
): LifecycleEvent => closingEvents(operation, status, reason).at(-1) as LifecycleEvent;
