/**
 * Server-Sent Events as browsers' EventSource reads them.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { PumphouseEvent } from '../domain/event.ts';
import type { Clock, EventStore } from '../ports.ts';
import { inOrder } from './key-order.ts';

/** Milliseconds between two looks at the store, so that an event is with its reader within a second. */
const POLL = 250;
/** Milliseconds of silence after which a comment shows that the connection lives. */
const KEEP_ALIVE = 15_000;
/** Events read at once: what a slow reader can make us hold. */
const PAGE = 100;

/** Milliseconds after which a reader comes back, told first on each connection. */
export const RETRY = 'retry: 1000\n\n';
export const COMMENT = ':\n\n';

export interface Frame {
  id: string;
  event: string;
  data: string;
}

const oneLine = (field: 'id' | 'event', value: string) => {
  if (!/[\r\n\0]/.test(value)) return `${field}: ${value}\n`;
  throw new TypeError(`The ${field} of a frame cannot break the line`);
};

/** One event as it goes over the wire. */
export const frameText = ({ id, event, data }: Frame): string => {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${oneLine('id', id)}${oneLine('event', event)}${lines.join('')}\n`;
};

/** What of an event goes into `data:`, with the contract's keys first. */
export const eventData = (event: PumphouseEvent, more: object = {}): string =>
  JSON.stringify(inOrder({ ...event.data, at: event.at, ...more }));

/** One connection of a reader: until when it may last, and whether the reader is still there. */
export interface Connection {
  clock: Clock;
  until: Date;
  signal: AbortSignal;
}

/**
 * Polls until the poll says that it has ended, the connection's time is up or its reader has gone.
 * Only what the reader has taken is read on, so a slow one holds one page and no more.
 *
 * @param poll sends what is new and answers true when nothing can follow
 * @param keepAlive what is sent after a silence
 */
export async function* live(
  poll: () => AsyncGenerator<string, boolean>,
  { clock, until, signal }: Connection,
  keepAlive = () => COMMENT,
): AsyncGenerator<string> {
  yield RETRY;
  let spoken = clock.now().getTime();
  const over = () => signal.aborted || clock.now() >= until;
  while (!over()) {
    const frames = poll();
    let frame = await frames.next();
    for (; !frame.done; frame = await frames.next()) {
      yield frame.value;
      spoken = clock.now().getTime();
      if (over()) return;
    }
    if (frame.value) return;
    if (clock.now().getTime() - spoken >= KEEP_ALIVE) {
      yield keepAlive();
      spoken = clock.now().getTime();
    }
    await clock.sleep(POLL);
  }
}

/** Events of one stream after a number, a page at a time; strongly consistent. */
export async function* eventsAfter(
  events: Pick<EventStore, 'read'>,
  operation: string,
  after: number,
): AsyncGenerator<PumphouseEvent> {
  for (let seen = after; ; ) {
    const page = await events.read(operation, seen, PAGE);
    yield* page;
    seen = page.at(-1)?.number ?? seen;
    if (page.length < PAGE) return;
  }
}

/** The stream of one operation after the event number `after`; ends after the operation's last event. */
export const operationStream = (
  events: Pick<EventStore, 'read'>,
  operation: string,
  after: number,
  connection: Connection,
): AsyncGenerator<string> => {
  let seen = after;
  return live(async function* () {
    for await (const event of eventsAfter(events, operation, seen)) {
      seen = event.number;
      yield frameText({ id: String(seen), event: event.name, data: eventData(event) });
      if (event.last) return true;
    }
    return false;
  }, connection);
};

/**
 * Where a reader of one operation's stream goes on: the number of the last event it has, 0 for the
 * beginning, `ended` when there is nothing more to come. An id that we never gave begins anew.
 */
export const resumeOperation = async (
  events: Pick<EventStore, 'read'>,
  operation: string,
  lastEventId: string | undefined,
): Promise<number | 'ended'> => {
  const number = /^[1-9]\d{0,7}$/.test(lastEventId ?? '') ? Number(lastEventId) : 0;
  const [event] = number > 0 ? await events.read(operation, number - 1, 1) : [];
  if (event?.number !== number) return 0;
  return event.last ? 'ended' : number;
};
