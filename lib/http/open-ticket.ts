/** What the streaming Lambda serves for each kind of ticket. */
import type { Config } from '../config.ts';
import type { Clock, EventStore, OperationStore, Timetable, WorldStore } from '../ports.ts';
import { decodeCursor, feed } from './feed.ts';
import { readWorld } from './read-world.ts';
import { jsonPieces, worldAnswer } from './resources.ts';
import { type Connection, operationStream, resumeOperation } from './sse.ts';
import type { StreamedAnswer } from './streaming.ts';
import type { TicketTarget } from './ticket.ts';

export interface Served {
  config: Pick<Config, 'resetEnabled' | 'destination' | 'feedSeconds' | 'keepDays'>;
  clock: Clock;
  events: EventStore;
  operations: OperationStore;
  world: WorldStore;
  timetable: Timetable;
}

const eventStream = (body: AsyncIterable<string>): StreamedAnswer => ({
  statusCode: 200,
  headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  body,
});

/** Answers what the ticket opens; a stream goes on after the event that the reader has last seen. */
export const openTicket = async (
  served: Served,
  target: TicketTarget,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<StreamedAnswer> => {
  const { config, clock, events, operations } = served;
  if (target === 'resources') {
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'private, no-store' },
      body: jsonPieces(worldAnswer(await readWorld(served))),
    };
  }
  const until = new Date(clock.now().getTime() + config.feedSeconds * 1000);
  const connection: Connection = { clock, until, signal };
  if (target === 'feed') {
    const source = { events, operations, keepDays: config.keepDays };
    return eventStream(feed(source, decodeCursor(lastEventId), connection));
  }
  const operation = target.slice('events:'.length);
  const after = await resumeOperation(events, operation, lastEventId);
  if (after === 'ended') return { statusCode: 204, headers: { 'cache-control': 'no-store' } };
  return eventStream(operationStream(events, operation, after, connection));
};
