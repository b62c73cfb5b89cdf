/**
 * The feed of all operations. The day index tells where something is new, and may lag; what is sent
 * is read from each operation's own stream, so that order is exact and nothing is lost or repeated.
 */
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
}

/** The cursor as the id of an event. */
export const encodeCursor = ({ since, seen }: Cursor): string =>
  Buffer.from(JSON.stringify([since, seen])).toString('base64url');

/** The cursor of an id; `undefined` for what we never gave out. */
export const decodeCursor = (id: string | undefined): Cursor | undefined => {
  try {
    const [since, seen] = JSON.parse(Buffer.from(id ?? '', 'base64url').toString());
    if (!Object.values(seen).every(Number.isSafeInteger)) return undefined;
    return { since: new Date(since).toISOString(), seen: { ...seen } };
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
  /** When the operations ended whose last event has come to light. */
  ended: Map<string, string>;
}

const before = (time: Date | string, milliseconds: number) =>
  new Date(new Date(time).getTime() - milliseconds).toISOString();

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
    ended: new Map(),
  };
};

/** The operations with something that has not been sent. */
const news = async ({ events }: FeedSource, { seen, fresh, ended }: Position, from: string) => {
  const operations = new Set(fresh);
  for await (const event of events.since(from)) {
    if (event.last) ended.set(event.operation, event.at);
    if (event.number > (seen.get(event.operation) ?? 0)) operations.add(event.operation);
  }
  return operations;
};

/** Drops what ended too long ago to come to light once more. */
const forget = ({ since, seen, ended }: Position) => {
  for (const [operation, at] of ended) {
    if (at >= before(since, 2 * WINDOW)) continue;
    ended.delete(operation);
    seen.delete(operation);
  }
};

/** The feed after a cursor, or from what runs now; lasts as long as its connection. */
export async function* feed(
  source: FeedSource,
  cursor: Cursor | undefined,
  connection: Connection,
): AsyncGenerator<string> {
  const { clock } = connection;
  const position = cursor ? resume(source, cursor, clock.now()) : await begin(source, clock.now());
  const { seen } = position;
  const id = () => encodeCursor({ since: position.since, seen: Object.fromEntries(seen) });
  // A frame without data is no event, but moves the reader's Last-Event-ID on.
  const keepAlive = () => `${COMMENT}id: ${id()}\n\n`;
  let polls = 0;

  const poll = async function* () {
    if (polls === 0) yield keepAlive();
    const begun = clock.now().toISOString();
    const from = before(position.since, polls++ % WIDE_POLL === 0 ? WINDOW : NARROW);
    for (const operation of await news(source, position, from)) {
      for await (const event of eventsAfter(source.events, operation, seen.get(operation) ?? 0)) {
        seen.set(operation, event.number);
        yield frameText({
          id: id(),
          event: event.name,
          data: eventData(event, { operation }),
        });
      }
    }
    Object.assign(position, { since: begun, fresh: new Set() });
    forget(position);
    return false;
  };
  yield* live(poll, connection, keepAlive);
}
