/** The end of an evacuation: the host is empty and stays blocked, or it becomes again what it was. */
import type { PlanItem } from '../domain/plan.ts';
import { endOperation } from '../operations.ts';
import type { Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';
import { unblock } from './block.ts';
import { type Evacuation, openEvacuation, serversOn } from './evacuation.ts';
import { BACK } from './journey.ts';
import { newestJourneys } from './rounds.ts';

/** Servers that a reason names one by one. */
const NAMED = 10;

const named = (sentences: readonly string[]) => {
  const more = sentences.length > NAMED ? [`${sentences.length - NAMED} more`] : [];
  return [...sentences.slice(0, NAMED), ...more].join('; ');
};

const LATE = 'it came while the host was emptied';

const stillOn = (host: string, left: readonly Server[], journeys: Map<string, PlanItem>) => {
  if (left.length === 0) return [];
  const told = left.map(({ id, name }) => `${name} (${journeys.get(id)?.reason ?? LATE})`);
  const count = left.length === 1 ? '1 server is' : `${left.length} servers are`;
  return [`${count} still on ${host}: ${named(told)}`];
};

/** What has failed of servers that are not on the host: where they are, they need somebody's look. */
const elsewhere = (left: readonly Server[], journeys: Map<string, PlanItem>) => {
  const here = new Set(left.map(({ id }) => id));
  const failed = [...journeys.values()].filter(
    ({ id, state, type }) => state === 'failed' && (type.startsWith(BACK) || !here.has(id)),
  );
  return failed.length > 0
    ? [`look at ${named(failed.map(({ label, reason }) => `${label} (${reason})`))}`]
    : [];
};

/** Why it was undone: the failures of the ways away, of which the newest journeys tell no more. */
const undone = (items: readonly PlanItem[]) => {
  if (!items.some(({ type }) => type.startsWith(BACK))) return [];
  const failed = items.filter(
    ({ type, state, notes }) => type.startsWith('journey') && state === 'failed' && !notes.skipped,
  );
  const back = items.filter(({ type, state }) => type.startsWith(BACK) && state === 'ready').length;
  const why = named(failed.map(({ label, reason }) => `${label} (${reason})`));
  return [`it was undone, and ${back} came back, since there failed ${why}`];
};

/** Why the evacuation is no success; nothing when it is one. */
const reasonOf = async (runtime: Runtime, evacuation: Evacuation): Promise<string> => {
  const items = await runtime.plans.list(evacuation.operation);
  const left = await serversOn(evacuation);
  const journeys = newestJourneys(items);
  const undoing = undone(items);
  const sentences = [
    ...(evacuation.cancelled ? ['it was cancelled'] : []),
    ...undoing,
    ...(undoing.length > 0 ? [] : stillOn(evacuation.host, left, journeys)),
    ...elsewhere(left, journeys),
  ];
  return sentences.join('. ');
};

const release = async (runtime: Runtime, evacuation: Evacuation) => {
  if (!evacuation.input.keepBlocked) await unblock(runtime, evacuation);
};

/**
 * Ends the evacuation by what is on the host now.
 *
 * Idempotent. An empty host stays blocked. With servers left on it, or when it was cancelled, it is
 * enabled again, if it was and nobody asked otherwise, and the operation ends as an error that names them.
 */
export const finish = async (runtime: Runtime, evacuation: Evacuation): Promise<void> => {
  const { operation } = evacuation;
  const reason = await reasonOf(runtime, evacuation);
  if (!reason) {
    await endOperation(runtime, operation, '');
    return;
  }
  await release(runtime, evacuation);
  await endOperation(runtime, operation, 'error', reason);
};

/** Ends an evacuation that cannot go on: the host becomes again what it was. Idempotent. */
export const fail = async (
  runtime: Runtime,
  evacuation: Evacuation,
  reason: string,
): Promise<void> => {
  await release(runtime, evacuation);
  const said = evacuation.cancelled ? `it was cancelled. ${reason}` : reason;
  await endOperation(runtime, evacuation.operation, 'error', said);
};

/** Ends an evacuation whose state machine is dead, by its id: the sweeper's way. Idempotent. */
export const closeEvacuation = async (
  runtime: Runtime,
  operation: string,
  reason: string,
): Promise<void> => fail(runtime, await openEvacuation(runtime, operation), reason);
