/** The end of an evacuation: the host is empty and stays blocked, or it becomes again what it was. */
import { endOperation } from '../operations.ts';
import type { Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';
import { unblock } from './block.ts';
import { type Evacuation, hostOf, planItem, serversOn } from './evacuation.ts';
import { tellArrival } from './live-migrate.ts';
import { findServer } from './live-migration.ts';

/** Servers that a reason names one by one. */
const NAMED = 10;

/** Servers that are on the host or whose migration is not over, as far as this evacuation knows of them. */
export const listServers = async (runtime: Runtime, evacuation: Evacuation): Promise<string[]> => {
  const { operation } = evacuation;
  const items = await runtime.plans.list(operation);
  const known = items.filter(({ type }) => type === 'server').map(({ id }) => id);
  const arrived = (await serversOn(evacuation)).filter(({ id }) => !known.includes(id));
  await runtime.plans.put(
    arrived.map(({ id, name }) => planItem(operation, { type: 'server', id }, name)),
  );
  return [...known, ...arrived.map(({ id }) => id)];
};

const UNKNOWN = 'its migration could not be followed to its end';

/** What the state machine had to give up on is told of as it is found now. */
const tellForgotten = async (runtime: Runtime, { operation, source, host }: Evacuation) => {
  for (const item of await runtime.plans.list(operation)) {
    if (item.type !== 'server' || item.state !== 'planned') continue;
    const server = await findServer(source, item.id);
    const moved = server && hostOf(server) !== host;
    await tellArrival(runtime, item, moved ? { server } : { reason: UNKNOWN });
  }
};

const describe = (left: readonly Server[], reasons: ReadonlyMap<string, string | undefined>) => {
  const named = left
    .slice(0, NAMED)
    .map(({ id, name }) => `${name} (${reasons.get(id) ?? 'it came while the host was emptied'})`);
  const more = left.length > NAMED ? [`${left.length - NAMED} more`] : [];
  return [...named, ...more].join('; ');
};

/**
 * Ends the evacuation by what is on the host now.
 *
 * Idempotent. An empty host stays blocked; with servers left on it it is enabled again, if it was,
 * and the operation ends as an error that names them.
 */
export const finish = async (runtime: Runtime, evacuation: Evacuation): Promise<void> => {
  const { operation, host } = evacuation;
  await tellForgotten(runtime, evacuation);
  const left = await serversOn(evacuation);
  if (left.length === 0) {
    await endOperation(runtime, operation, '');
    return;
  }
  const items = await runtime.plans.list(operation);
  const reasons = new Map(items.map(({ id, reason }) => [id, reason]));
  await unblock(runtime, evacuation);
  const count = left.length === 1 ? '1 server is' : `${left.length} servers are`;
  const reason = `${count} still on ${host}: ${describe(left, reasons)}`;
  await endOperation(runtime, operation, 'error', reason);
};

/** Ends an evacuation that cannot go on: the host becomes again what it was. Idempotent. */
export const fail = async (
  runtime: Runtime,
  evacuation: Evacuation,
  reason: string,
): Promise<void> => {
  await unblock(runtime, evacuation);
  await endOperation(runtime, evacuation.operation, 'error', reason);
};
