/** Round after round until the host is empty: what arrives meanwhile is moved too, and nothing goes on for ever. */
import { type PlanItem, plannedItem } from '../domain/plan.ts';
import type { Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';
import { unblock } from './block.ts';
import { type Evacuation, hostOf, serversOn } from './evacuation.ts';
import { AWAY, BACK, findServer, isJourney, roundOf } from './journey.ts';
import { wayOf } from './ways.ts';

/** Rounds after which the host is taken for one that cannot be emptied. */
const ROUNDS = 10;
/** How often one server is tried. */
const ATTEMPTS = 2;
/** Rounds in a row in which nothing may leave the host. */
const IDLE_ROUNDS = 2;

/** What the state machine does next, and with which servers. */
export interface Round {
  task: 'move' | 'open' | 'finish';
  /** The journeys of this round: `journey 1`. */
  journey: string;
  servers: string[];
  /** Servers on their way at once. */
  parallel: number;
  /** Grows with each look, so that the executions of a repeated round have names of their own. */
  turn: number;
}

const isAway = ({ type }: PlanItem) => type.startsWith(AWAY);
const isBack = ({ type }: PlanItem) => type.startsWith(BACK);
const isFailure = ({ state, notes }: PlanItem) => state === 'failed' && !notes.skipped;

/** Each server's newest journey. */
export const newestJourneys = (items: readonly PlanItem[]): Map<string, PlanItem> => {
  const journeys = items.filter(isJourney).sort((a, b) => roundOf(a) - roundOf(b));
  return new Map(journeys.map((one) => [one.id, one]));
};

/** Whether another attempt at a server makes sense; a newcomer has had none. */
const isWorthTrying = (server: Server, journeys: readonly PlanItem[]): boolean => {
  const last = journeys.at(-1);
  if (!last || last.state === 'ready') return true;
  if (last.notes.by_hand) return wayOf(server) !== undefined;
  const failures = journeys.filter(isFailure).length;
  return !last.notes.final && !last.notes.skipped && failures < ATTEMPTS;
};

/** True when nothing has left the host in the last rounds. */
const isStuck = (items: readonly PlanItem[], round: number) => {
  const lately = items.filter((one) => roundOf(one) > round - IDLE_ROUNDS);
  return round >= IDLE_ROUNDS && !lately.some(({ state }) => state === 'ready');
};

/** The servers to be moved next; none when the host is empty or no more can be done. */
const nextServers = async (evacuation: Evacuation, away: readonly PlanItem[], round: number) => {
  const { input, cancelled } = evacuation;
  if (cancelled || round >= ROUNDS || isStuck(away, round)) return [];
  if (input.onError !== 'continue' && away.some(isFailure)) return [];
  const of = (id: string) => away.filter((one) => one.id === id);
  return (await serversOn(evacuation)).filter((one) => isWorthTrying(one, of(one.id)));
};

const isToBeUndone = ({ input, cancelled }: Evacuation, away: readonly PlanItem[]) =>
  input.onError === 'undo' &&
  !cancelled &&
  away.some(isFailure) &&
  away.some(({ notes }) => notes.host);

const isHost = ({ type }: PlanItem) => type === 'host';

const begin = async (
  runtime: Runtime,
  { operation, host }: Evacuation,
  servers: readonly Server[],
  type: string,
): Promise<PlanItem[]> => {
  const items = servers.map((one) =>
    plannedItem({
      operation,
      type,
      id: one.id,
      label: one.name,
      notes: { from: hostOf(one) || host },
    }),
  );
  await runtime.plans.put(items);
  return items;
};

const finish: Pick<Round, 'task' | 'journey' | 'servers'> = {
  ...{ task: 'finish', journey: '', servers: [] },
};

const decide = async (
  runtime: Runtime,
  evacuation: Evacuation,
  items: readonly PlanItem[],
): Promise<Pick<Round, 'task' | 'journey' | 'servers'>> => {
  const move = (journeys: readonly PlanItem[]) => {
    const [{ type: journey } = { type: '' }] = journeys;
    return { task: 'move' as const, journey, servers: journeys.map(({ id }) => id) };
  };
  const journeys = items.filter(isJourney);
  const open = journeys.filter(({ state }) => state === 'planned');
  if (open.length > 0) return move(open);
  if (journeys.some(isBack)) return finish;
  const away = journeys.filter(isAway).sort((a, b) => roundOf(a) - roundOf(b));
  const round = Math.max(0, ...away.map(roundOf));
  const opened = items.find(isHost)?.notes.opened;
  if (!opened && isToBeUndone(evacuation, away)) return { ...finish, task: 'open' };
  const servers = await nextServers(evacuation, away, round);
  if (servers.length === 0) return finish;
  return move(await begin(runtime, evacuation, servers, `${AWAY} ${round + 1}`));
};

/**
 * Says what comes next: the servers of a round, the opening of the host for what comes back, or the end.
 *
 * Idempotent: a round that is not over is answered again.
 */
export const nextRound = async (runtime: Runtime, evacuation: Evacuation): Promise<Round> => {
  const { parallel } = evacuation.input;
  if (evacuation.ended) return { ...finish, parallel, turn: 0 };
  const items = await runtime.plans.list(evacuation.operation);
  const hostItem = items.find(isHost);
  const turn = Number(hostItem?.notes.turn ?? 0) + 1;
  if (hostItem) await runtime.plans.update(hostItem, { notes: { turn } });
  return { ...(await decide(runtime, evacuation, items)), parallel, turn };
};

/** Where this evacuation has left a server, if it is there still. */
const stillThere = async ({ source }: Evacuation, { id, notes }: PlanItem) => {
  const server = await findServer(source, id);
  return server && hostOf(server) === notes.host ? [server] : [];
};

/**
 * The undo: opens the host again, and writes down the way back of each server that this evacuation
 * has moved and that nobody has moved since. Idempotent.
 */
export const openAgain = async (runtime: Runtime, evacuation: Evacuation): Promise<void> => {
  await unblock(runtime, evacuation);
  const items = await runtime.plans.list(evacuation.operation);
  if (items.some(isBack)) return;
  const moved = [...newestJourneys(items).values()].filter(({ notes }) => notes.host);
  const servers = (await Promise.all(moved.map((one) => stillThere(evacuation, one)))).flat();
  await begin(runtime, evacuation, servers, `${BACK} 1`);
  const hostItem = items.find(isHost);
  if (hostItem) await runtime.plans.update(hostItem, { notes: { opened: true } });
};
