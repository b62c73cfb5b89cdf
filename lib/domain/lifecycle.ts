/** How each kind of operation begins and ends in its stream: said here once, for whoever begins, ends or sweeps. */
import type { EventData, EventName } from './event.ts';
import type { EvacuationInput, Operation, OperationKind } from './operation.ts';
import { CLOUD_NAMES, type CloudName } from './world.ts';

/** An event before it has its operation, as `record` takes it. */
export interface LifecycleEvent {
  step: string;
  name: EventName;
  data: EventData;
  last?: true;
}

const NAMES = {
  migration: { first: 'tenant migrate', last: 'tenant migrated' },
  evacuation: { first: 'host evacuate', last: 'host evacuated' },
  reassignment: { first: 'host reassign', last: 'host reassigned' },
} as const satisfies Record<Exclude<OperationKind, 'reset'>, { first: EventName; last: EventName }>;

/** An evacuation that its schedule could not begin: it holds no host, and its stream only says why. */
export const isUnbegun = ({ subject }: Operation): boolean => subject.type === 'schedule';

/** The schedule that began an evacuation, or could not. */
const scheduled = (operation: Operation): EventData => {
  const { schedule } = operation.input as Partial<EvacuationInput>;
  if (!schedule) return {};
  const { id, due } = schedule;
  return { schedule: id, due, ...(isUnbegun(operation) && { started: false }) };
};

/** The event that opens the stream. */
export const firstEvent = (operation: Operation): LifecycleEvent => {
  const { kind, subject } = operation;
  if (kind === 'reset') return { step: 'begin', name: 'reset start', data: {} };
  const data = { id: subject.id, ...scheduled(operation) };
  return { step: 'begin', name: NAMES[kind].first, data };
};

/** The clouds that a reset is about, in the order in which their ends are told. */
export const resetOf = ({ input }: Operation): CloudName[] =>
  CLOUD_NAMES.filter((cloud) => !Array.isArray(input.clouds) || input.clouds.includes(cloud));

/** How it went, and where it failed a sentence about why. */
export interface Outcome {
  status: '' | 'error';
  reason?: string;
}

/** The last events of a reset, one for each cloud; one of which nothing is said has succeeded. */
export const resetEvents = (
  operation: Operation,
  outcomes: Partial<Record<CloudName, Outcome>>,
): LifecycleEvent[] => {
  const clouds = resetOf(operation);
  return clouds.map((cloud, index) => ({
    step: index === clouds.length - 1 ? 'end' : `end ${cloud}`,
    name: 'reset completed',
    data: { cloud, ...(outcomes[cloud] ?? { status: '' as const }) },
    ...(index === clouds.length - 1 && { last: true as const }),
  }));
};

/** A reassigned host may have another name in its new cloud; one that did not arrive has none there. */
const reassignment = ({ kind, subject, input }: Operation, status: '' | 'error'): EventData => {
  if (kind !== 'reassignment') return {};
  const new_id = status === 'error' ? '' : input.name;
  return { name: subject.name, new_id, cloud: 'destination' };
};

/** What the stream ends with: one event, or for a reset one for each cloud; the last of them is `last`. */
export const closingEvents = (
  operation: Operation,
  status: '' | 'error',
  reason?: string,
): LifecycleEvent[] => {
  const outcome = { status, ...(reason && { reason }) };
  if (operation.kind === 'reset') {
    return resetEvents(operation, { source: outcome, destination: outcome });
  }
  const { id, name } = operation.subject;
  const what = { id: isUnbegun(operation) ? name : id, ...scheduled(operation) };
  const data = { ...what, ...reassignment(operation, status), ...outcome };
  return [{ step: 'end', name: NAMES[operation.kind].last, data, last: true }];
};

/** The event that closes the stream; `status` is `''` or `'error'`, with a reason that people read. */
export const lastEvent = (
  operation: Operation,
  status: '' | 'error',
  reason?: string,
): LifecycleEvent => closingEvents(operation, status, reason).at(-1) as LifecycleEvent;
