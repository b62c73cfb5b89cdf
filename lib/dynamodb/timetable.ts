/** Schedules in DynamoDB, in one partition: few, and always read together. */
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Schedule } from '../domain/schedule.ts';
import type { Timetable } from '../ports.ts';
import { expiry, keys, queryAll, SCHEMA, type Table, unlessRefused } from './table.ts';

const toSchedule = ({
  pk: _pk,
  sk: _sk,
  v: _v,
  expires: _expires,
  ...item
}: Record<string, unknown>) => item as unknown as Schedule;

export const timetable = (table: Table): Timetable => {
  const { client, name: TableName } = table;

  const get = async (id: string) => {
    const { Item } = await client.send(
      new GetCommand({ TableName, Key: keys.schedule(id), ConsistentRead: true }),
    );
    const expired =
      typeof Item?.expires === 'number' && Item.expires * 1000 <= table.now().getTime();
    return Item && !expired ? toSchedule(Item) : undefined;
  };

  /** Changes one that is still there; false when it is not, or `only` does not hold. */
  const update = (id: string, change: string, values: Record<string, unknown>, only?: string) =>
    unlessRefused(
      client.send(
        new UpdateCommand({
          TableName,
          Key: keys.schedule(id),
          UpdateExpression: change,
          ConditionExpression: ['attribute_exists(pk)', ...(only ? [only] : [])].join(' AND '),
          ExpressionAttributeNames: names(`${change} ${only ?? ''}`),
          ExpressionAttributeValues: values,
        }),
      ),
    );

  return {
    get,

    async add(schedule) {
      const Item = { ...keys.schedule(schedule.id), v: SCHEMA, ...schedule };
      const ConditionExpression = 'attribute_not_exists(pk)';
      await unlessRefused(client.send(new PutCommand({ TableName, Item, ConditionExpression })));
      return (await get(schedule.id)) ?? schedule;
    },

    async list() {
      const schedules: Schedule[] = [];
      const query = {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': keys.schedule('').pk },
        ConsistentRead: true,
      };
      for await (const item of queryAll(table, query)) schedules.push(toSchedule(item));
      return schedules;
    },

    arm: (id) => update(id, 'SET #armed = :true', { ':true': true }),

    async postpone(id, trying) {
      const values = { ':trying': trying, ':due': trying.due };
      await update(id, 'SET #trying = :trying', values, '#next = :due');
    },

    async serve(id, last, next) {
      const values = { ':last': last, ':due': last.due };
      const over = { ':expires': expiry(table.now(), table.keepDays) };
      const moved = next
        ? update(
            id,
            'SET #last = :last, #next = :next REMOVE #trying',
            { ...values, ':next': next },
            '#next = :due',
          )
        : update(
            id,
            'SET #last = :last, #expires = :expires REMOVE #trying, #next',
            { ...values, ...over },
            '#next = :due',
          );
      if (await moved) return;
      // An earlier one is still to be served, or this one was: only who is later is the last.
      await update(
        id,
        'SET #last = :last',
        values,
        '(attribute_not_exists(#last) OR #last.#due < :due)',
      );
    },

    remove: (id) =>
      unlessRefused(
        client.send(
          new DeleteCommand({
            TableName,
            Key: keys.schedule(id),
            ConditionExpression: 'attribute_exists(pk)',
          }),
        ),
      ),
  };
};

/** `#next` stands for `next`: some of the names are words of DynamoDB's own. */
const names = (expression: string) =>
  Object.fromEntries(Array.from(expression.matchAll(/#(\w+)/g), ([key, name = '']) => [key, name]));
