/** Plans in DynamoDB: one small item an object, ids and states only. */
import { BatchWriteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { PumphouseError } from '../domain/errors.ts';
import type { Intent, PlanItem, Reference } from '../domain/plan.ts';
import type { EventStore, PlanChange, PlanStore } from '../ports.ts';
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

  const set = async (item: PlanItem, change: PlanChange & { intent?: Intent }) => {
    const entries = Object.entries(change).filter(([, value]) => value !== undefined);
    const { Attributes = {} } = await client.send(
      new UpdateCommand({
        TableName,
        Key: keys.plan(item.operation, item),
        UpdateExpression: `SET ${entries.map(([key]) => `#${key} = :${key}`).join(', ')}`,
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: Object.fromEntries(entries.map(([key]) => [`#${key}`, key])),
        ExpressionAttributeValues: Object.fromEntries(entries.map(([k, v]) => [`:${k}`, v])),
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
      const { intent } = await get(item.operation, item);
      if (intent?.step === step) return intent;
      const tail = await events.tail(item.operation);
      const begun = { step, tail, at: table.now().toISOString() };
      await set(item, { intent: begun });
      return begun;
    },

    async update(item, { notes, ...change }) {
      if (!notes) return set(item, change);
      const { notes: before } = await get(item.operation, item);
      return set(item, { ...change, notes: { ...before, ...notes } });
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
