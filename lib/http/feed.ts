/**
 * The feed of all operations. The day index tells where something is new, and may lag; what is sent
 * is read from each operation's own stream, so that order is exact and nothing is lost or repeated.
 */
import type { PumphouseEvent } from '../domain/event.ts';
import type { EventStore, OperationStore } from '../ports.ts';
import { COMMENT, type Connection, eventData, eventsAfter, frameText, live } from './sse.ts';

/** Milliseconds by which the index may lag behind and clocks may differ. */
const WINDOW = 60_000;
/** Milliseconds that most polls look back; each `WIDE_POLL`th looks back over the whole window. */
const NARROW = 5_000;
const WIDE_POLL = 20;

/**
 * Where a reader of the feed is. Everything before `since` has been sent, but for what may still
 * come to light in the window before it.
 */
export interface Cursor {
  /** ISO 8601. */
  since: string;
  /** The last number sent, of each operation that runs or ended within two windows before `since`. */
  seen: Record<string, number>;
  /** When those of them ended that have, in epoch seconds. */
  ended: Record<string, number>;
}

/** The cursor as the id of an event. */
export const encodeCursor = ({ since, seen, ended }: Cursor): string =>
  Buffer.from(JSON.stringify([since, seen, ended])).toString('base64url');

/** The cursor of an id; `undefined` for what we never gave out. */
export const decodeCursor = (id: string | undefined): Cursor | undefined => {
  try {
    const [since, seen, ended] = JSON.parse(Buffer.from(id ?? '', 'base64url').toString());
    const numbers = [...Object.values(seen), ...Object.values(ended)];
    if (!numbers.every(Number.isSafeInteger)) return undefined;
    return { since: new Date(since).toISOString(), seen: { ...seen }, ended: { ...ended } };
  } catch {
    return undefined;
  }
};

export interface FeedSource {
  events: Pick<EventStore, 'read' | 'since'>;
  operations: Pick<OperationStore, 'running'>;
  /** Days that streams are kept: no cursor reaches back further. */
  keepDays: number;
}

interface Position {
  since: string;
  seen: Map<string, number>;
  /** Operations to be sent whole with the first poll. */
  fresh: ReadonlySet<string>;
  /** Epoch seconds at which the operations ended whose last event has come to light. */
  ended: Map<string, number>;
}

const before = (time: Date | string, milliseconds: number) =>
  new Date(new Date(time).getTime() - milliseconds).toISOString();

const seconds = (at: string) => Math.floor(Date.parse(at) / 1000);

/** Begins with all of what runs now, and with nothing of what has ended. */
const begin = async ({ events, operations }: FeedSource, now: Date): Promise<Position> => {
  const seen = new Map<string, number>();
  // The index first: an operation that begins after it is in neither, and so is sent whole.
  for await (const { operation, number } of events.since(before(now, WINDOW))) {
    seen.set(operation, Math.max(number, seen.get(operation) ?? 0));
  }
  const fresh = new Set((await operations.running()).map(({ id }) => id));
  for (const id of fresh) seen.delete(id);
  return { since: now.toISOString(), seen, fresh, ended: new Map() };
};

const resume = ({ keepDays }: FeedSource, cursor: Cursor, now: Date): Position => {
  const oldest = now.getTime() - keepDays * 86_400_000;
  return {
    since: new Date(Math.max(Date.parse(cursor.since), oldest)).toISOString(),
    seen: new Map(Object.entries(cursor.seen)),
    fresh: new Set(),
    ended: new Map(Object.entries(cursor.ended)),
  };
};

/** The operations with something that has not been sent. */
const news = async ({ events }: FeedSource, { seen, fresh, ended }: Position, from: string) => {
  const operations = new Set(fresh);
  for await (const event of events.since(from)) {
    if (event.last) ended.set(event.operation, seconds(event.at));
    if (event.number > (seen.get(event.operation) ?? 0)) operations.add(event.operation);
  }
  return operations;
};

/** Drops what ended too long ago to come to light once more. */
const forget = ({ since, seen, ended }: Position) => {
  for (const [operation, at] of ended) {
    if (at >= seconds(before(since, 2 * WINDOW))) continue;
    ended.delete(operation);
    seen.delete(operation);
  }
};

/** What has not been sent, operation by operation. */
async function* unsent(source: FeedSource, position: Position, from: string) {
  const { seen } = position;
  for (const operation of await news(source, position, from)) {
    yield* eventsAfter(source.events, operation, seen.get(operation) ?? 0);
  }
}

const idOf = ({ since, seen, ended }: Position) =>
  encodeCursor({ since, seen: Object.fromEntries(seen), ended: Object.fromEntries(ended) });

const frameOf = (event: PumphouseEvent, position: Position) => {
  const data = eventData(event, { operation: event.operation });
  return frameText({ id: idOf(position), event: event.name, data });
};

/** Sends what has not been sent, and moves the position to the time at which it began to look. */
async function* catchUp(source: FeedSource, position: Position, from: string, begun: Date) {
  // One is held back: with the last one the whole of it has been sent, and its id says so.
  let held: PumphouseEvent | undefined;
  const note = ({ operation, number }: PumphouseEvent) => position.seen.set(operation, number);
  for await (const event of unsent(source, position, from)) {
    if (held) {
      note(held);
      yield frameOf(held, position);
    }
    held = event;
  }
  if (held) note(held);
  position.since = begun.toISOString();
  position.fresh = new Set();
  forget(position);
  if (held) yield frameOf(held, position);
}

/** The feed after a cursor, or from what runs now; lasts as long as its connection. */
export async function* feed(
  source: FeedSource,
  cursor: Cursor | undefined,
  connection: Connection,
): AsyncGenerator<string> {
  const { clock } = connection;
  const position = cursor ? resume(source, cursor, clock.now()) : await begin(source, clock.now());
  // A frame without data is no event, but moves the reader's Last-Event-ID on.
  const keepAlive = () => `${COMMENT}id: ${idOf(position)}\n\n`;
  let polls = 0;
  const poll = async function* () {
    if (polls === 0) yield keepAlive();
    const from = before(position.since, polls++ % WIDE_POLL === 0 ? WINDOW : NARROW);
    yield* catchUp(source, position, from, clock.now());
    return false;
  };
  yield* live(poll, connection, keepAlive);
}
