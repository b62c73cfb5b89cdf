/** Operations as `GET /migrations` shows them, of whatever kind, and every server in them. */
import type { EvacuationInput, MigrationInput, Operation } from '../domain/operation.ts';
import type { PlanItem } from '../domain/plan.ts';
import { newestJourneys } from '../evacuation/rounds.ts';
import { evacuationOptions } from './evacuation-input.ts';

const optionsOf = ({ kind, input }: Operation): Record<string, unknown> => {
  if (kind === 'evacuation') return evacuationOptions(input as unknown as EvacuationInput);
  if (kind !== 'migration') return {};
  const { strategy, quiesce, finalize } = input as unknown as MigrationInput;
  return { strategy, quiesce, finalize };
};

const subjectOf = ({ subject: { type, id, name } }: Operation) => {
  if (type === 'clouds') return {};
  // What a schedule could not begin was to be of a host.
  return type === 'schedule' ? { host: { id: name, name } } : { [type]: { id, name } };
};

/** One operation in a list. Absent rather than null. */
export const operationAnswer = (operation: Operation): Record<string, unknown> => {
  const { id, kind, state, status, reason, createdAt, endedAt, cancelledAt } = operation;
  return {
    ...{ id, kind, events: `/events/${id}`, ...subjectOf(operation), state },
    ...(status !== undefined && { status }),
    ...(reason && { reason }),
    ...{ created_at: createdAt, ...(endedAt && { ended_at: endedAt }) },
    ...(cancelledAt && { cancelled_at: cancelledAt }),
    ...optionsOf(operation),
  };
};

const FIGURE = /^(memory|disk)_(total|processed|remaining)_bytes$/;

/** The last figures of a live migration, `memory` and `disk` in bytes, as far as Nova had them. */
const progressOf = ({ notes }: PlanItem) => {
  const progress: Record<string, Record<string, unknown>> = {};
  for (const [name, value] of Object.entries(notes)) {
    const [, what = '', part = ''] = FIGURE.exec(name) ?? [];
    if (what) progress[what] = { ...progress[what], [`${part}_bytes`]: value };
  }
  return Object.keys(progress).length > 0 ? { progress } : {};
};

/** The step that was begun last, for what is on its way. */
const stepOf = ({ intents }: PlanItem) =>
  Object.entries(intents)
    .sort(([, a], [, b]) => (a.at < b.at ? -1 : 1))
    .at(-1)?.[0];

const stateOf = (item: PlanItem) => {
  if (item.state === 'ready') return item.notes.way === 'nothing' ? 'gone' : 'moved';
  if (item.state === 'failed') return item.notes.skipped ? 'skipped' : 'failed';
  return Object.keys(item.intents).length > 0 ? 'moving' : 'waiting';
};

const serverAnswer = (item: PlanItem): Record<string, unknown> => {
  const { id, label, reason, destinationId, notes, type } = item;
  const state = type.startsWith('return') && item.state === 'ready' ? 'returned' : stateOf(item);
  const step = state === 'moving' ? stepOf(item) : undefined;
  return {
    ...{ id, name: label, state, ...(step && { step }), ...(reason && { reason }) },
    ...(destinationId && { destination_id: destinationId }),
    ...(typeof notes.host === 'string' && { host_name: notes.host }),
    ...(notes.by_hand && { by_hand: true }),
    ...progressOf(item),
  };
};

const countByState = (items: readonly PlanItem[]) => {
  const groups = Map.groupBy(items, ({ state }) => state);
  return Object.fromEntries([...groups].map(([state, { length }]) => [state, length]));
};

/** One operation whole: with each server, and how many of its other resources are in which state. */
export const operationWhole = (
  operation: Operation,
  items: readonly PlanItem[],
): Record<string, unknown> => {
  const journeys = [...newestJourneys(items).values()];
  const servers = [...items.filter(({ type }) => type === 'server'), ...journeys];
  const resources = operation.kind === 'migration' && items.filter(({ type }) => type !== 'server');
  return {
    ...operationAnswer(operation),
    servers: servers.map(serverAnswer).sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
    ...(resources && { resources: countByState(resources) }),
  };
};
