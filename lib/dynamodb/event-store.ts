/** Streams of events in DynamoDB. A number exists only when its predecessor does (ADR 0004). */
import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { PumphouseEvent } from '../domain/event.ts';
import type { EventStore, NewEvent } from '../ports.ts';
import { expiry, INDEX, keys, queryAll, SCHEMA, type Table, unlessRefused } from './table.ts';

const toEvent = (item: Record<string, unknown>): PumphouseEvent => ({
  operation: item.operation as string,
  number: item.number as number,
  name: item.name as PumphouseEvent['name'],
  data: item.data as PumphouseEvent['data'],
  at: item.time as string,
  step: item.step as string,
  ...(item.last === true && { last: true }),
});

const days = function* (from: string, to: string) {
  for (let day = Date.parse(from.slice(0, 10)); day <= Date.parse(to); day += 86_400_000) {
    yield new Date(day).toISOString();
  }
};

export const eventStore = (table: Table): EventStore => {
  const { client, name: TableName } = table;

  const list = async (
    operation: string,
    after: number,
    limit = Number.POSITIVE_INFINITY,
    { evenExpired = false } = {},
  ) => {
    const events: PumphouseEvent[] = [];
    const query = {
      KeyConditionExpression: 'pk = :pk AND sk > :after',
      ExpressionAttributeValues: {
        ':pk': keys.event(operation, 0).pk,
        ':after': keys.event(operation, after).sk,
      },
      ConsistentRead: true,
      ...(Number.isFinite(limit) && { Limit: limit }),
    };
    for await (const item of queryAll(table, query, { evenExpired })) {
      events.push(toEvent(item));
      if (events.length >= limit) break;
    }
    return events;
  };

  const put = (event: PumphouseEvent) =>
    unlessRefused(
      client.send(
        new PutCommand({
          TableName,
          Item: {
            ...keys.event(event.operation, event.number),
            ...{ by: keys.day(event.at), v: SCHEMA },
            at: `${event.at}#${event.operation}#${keys.event('', event.number).sk}`,
            ...{ operation: event.operation, number: event.number, name: event.name },
            ...{ data: event.data, time: event.at, step: event.step, last: event.last },
            expires: expiry(new Date(event.at), table.keepDays),
          },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );

  return {
    read: (operation, after, limit) => list(operation, after, limit),

    async append({ after = 0, ...event }: NewEvent) {
      for (let seen = after; ; ) {
        // An expired event still has its number until time-to-live comes round to it.
        const since = await list(event.operation, seen, undefined, { evenExpired: true });
        const repeat = since.find(({ step }) => step === event.step);
        if (repeat) return repeat;
        seen = since.at(-1)?.number ?? seen;
        const next = { ...event, number: seen + 1, at: table.now().toISOString() };
        if (await put(next)) return next;
      }
    },

    async tail(operation) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': keys.event(operation, 0).pk },
          ScanIndexForward: false,
          ConsistentRead: true,
          Limit: 1,
        }),
      );
      return (Items[0]?.number as number | undefined) ?? 0;
    },

    async *since(at) {
      for (const day of days(at, table.now().toISOString())) {
        const query = {
          IndexName: INDEX,
          KeyConditionExpression: '#by = :day AND #at >= :at',
          ExpressionAttributeNames: { '#by': 'by', '#at': 'at' },
          ExpressionAttributeValues: { ':day': keys.day(day), ':at': at },
        };
        for await (const item of queryAll(table, query)) yield toEvent(item);
      }
    },
  };
};
