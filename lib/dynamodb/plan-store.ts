/** Plans in DynamoDB: one small item an object, ids and states only. */
import { BatchWriteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { PumphouseError } from '../domain/errors.ts';
import type { Intent, PlanItem, Reference } from '../domain/plan.ts';
import type { EventStore, PlanStore } from '../ports.ts';
import { expiry, keys, queryAll, SCHEMA, type Table } from './table.ts';

const toItem = ({ pk: _pk, sk: _sk, v: _v, expires: _expires, ...item }: Record<string, unknown>) =>
  item as unknown as PlanItem;

export const planStore = (table: Table, events: EventStore): PlanStore => {
  const { client, name: TableName } = table;

  const get = async (operation: string, reference: Reference) => {
    const { Item } = await client.send(
      new GetCommand({ TableName, Key: keys.plan(operation, reference), ConsistentRead: true }),
    );
    if (Item) return toItem(Item);
    const what = `${reference.type} ${reference.id}`;
    throw new PumphouseError('ResourceNotFound', `The plan of ${operation} has no ${what}`);
  };

  /** Sets some paths of an item, each given as `name` or `map.key`, and answers the item. */
  const set = async (
    item: Reference & { operation: string },
    paths: [string[], unknown][],
    once = false,
  ) => {
    const names: Record<string, string> = {};
    const values: Record<string, unknown> = {};
    const sets = paths.map(([path, value], index) => {
      const target = path.map((part, depth) => {
        names[`#p${index}d${depth}`] = part;
        return `#p${index}d${depth}`;
      });
      values[`:v${index}`] = value;
      const where = target.join('.');
      return `${where} = ${once ? `if_not_exists(${where}, :v${index})` : `:v${index}`}`;
    });
    const { Attributes = {} } = await client.send(
      new UpdateCommand({
        TableName,
        Key: keys.plan(item.operation, item),
        UpdateExpression: `SET ${sets.join(', ')}`,
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
        ReturnValues: 'ALL_NEW',
      }),
    );
    return toItem(Attributes);
  };

  return {
    get,

    async put(items) {
      const expires = expiry(table.now(), table.keepDays);
      for (let start = 0; start < items.length; start += 25) {
        let requests = items.slice(start, start + 25).map((item) => ({
          PutRequest: { Item: { ...keys.plan(item.operation, item), v: SCHEMA, expires, ...item } },
        }));
        while (requests.length > 0) {
          const { UnprocessedItems } = await client.send(
            new BatchWriteCommand({ RequestItems: { [TableName]: requests } }),
          );
          requests = (UnprocessedItems?.[TableName] ?? []) as typeof requests;
        }
      }
    },

    async list(operation) {
      const items: PlanItem[] = [];
      const query = {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': keys.plan(operation, { type: '', id: '' }).pk },
        ConsistentRead: true,
      };
      for await (const item of queryAll(table, query)) items.push(toItem(item));
      return items;
    },

    async intend(item, step) {
      const known = (await get(item.operation, item)).intents[step];
      if (known) return known;
      const tail = await events.tail(item.operation);
      const intent: Intent = { tail, at: table.now().toISOString() };
      const { intents } = await set(item, [[['intents', step], intent]], true);
      return intents[step] ?? intent;
    },

    update(item, { notes = {}, ...change }) {
      const paths: [string[], unknown][] = [
        ...Object.entries(change).map(([key, value]): [string[], unknown] => [[key], value]),
        ...Object.entries(notes).map(([key, value]): [string[], unknown] => [
          ['notes', key],
          value,
        ]),
      ];
      return set(
        item,
        paths.filter(([, value]) => value !== undefined),
      );
    },

    async made(reference) {
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: keys.made(reference), ConsistentRead: true }),
      );
      return Item?.destinationId as string | undefined;
    },

    async remember(reference, destinationId, operation) {
      const Item = { ...keys.made(reference), v: SCHEMA, ...reference, destinationId, operation };
      await client.send(new PutCommand({ TableName, Item }));
    },
  };
};
