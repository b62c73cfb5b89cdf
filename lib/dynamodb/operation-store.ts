/** Operations in DynamoDB: those that run stand in one partition, under the subject they lock. */
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import type { OperationStore } from '../ports.ts';
import { expiry, keys, queryAll, SCHEMA, type Table, unlessRefused } from './table.ts';

const toOperation = ({
  pk: _pk,
  sk: _sk,
  v: _v,
  expires: _expires,
  ...item
}: Operation & { [key: string]: unknown }) => item as Operation;

export const operationStore = (table: Table): OperationStore => {
  const { client, name: TableName } = table;

  const find = async (key: { pk: string; sk: string }) => {
    const { Item } = await client.send(
      new GetCommand({ TableName, Key: key, ConsistentRead: true }),
    );
    const expired =
      typeof Item?.expires === 'number' && Item.expires * 1000 <= table.now().getTime();
    return Item && !expired ? Item : undefined;
  };

  const put = (key: { pk: string; sk: string }, item: object, condition?: object) =>
    unlessRefused(
      client.send(
        new PutCommand({ TableName, Item: { ...key, v: SCHEMA, ...item }, ...condition }),
      ),
    );

  const get = async (id: string) => {
    const item = await find(keys.operation(id));
    return item && toOperation(item as Operation & { [key: string]: unknown });
  };

  const running = async () => {
    const operations: Operation[] = [];
    const query = {
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': 'running' },
      ConsistentRead: true,
    };
    for await (const item of queryAll(table, query)) {
      operations.push(toOperation(item as Operation & { [key: string]: unknown }));
    }
    return operations;
  };

  /** One that has just begun may stand among the running ones alone; one long ended nowhere. */
  const isRunning = async (holder: string) => {
    const [id = ''] = holder.split('/');
    const known = await get(id);
    return known ? known.state !== 'ended' : (await running()).some((one) => one.id === id);
  };

  const release = ({ id, subject }: Operation) =>
    unlessRefused(
      client.send(
        new DeleteCommand({
          TableName,
          Key: keys.running(subject),
          ConditionExpression: 'id = :id',
          ExpressionAttributeValues: { ':id': id },
        }),
      ),
    );

  return {
    get,
    running,

    async begin(operation) {
      const key = keys.running(operation.subject);
      for (;;) {
        const free = await put(key, operation, {
          ConditionExpression: 'attribute_not_exists(pk)',
        });
        const holder = free ? operation : await find(key);
        if (!holder) continue;
        if (holder.id !== operation.id) {
          throw new PumphouseError(
            'OperationInProgress',
            `${operation.subject.type} ${operation.subject.name} is held by a running ${holder.kind}`,
            { details: { operation: holder.id, events: `/events/${holder.id}` } },
          );
        }
        const begun = toOperation(holder as Operation & { [key: string]: unknown });
        const written = await put(keys.operation(begun.id), begun, {
          ConditionExpression: 'attribute_not_exists(pk)',
        });
        const known = written ? begun : await get(begun.id);
        if (known?.state !== 'ended') return begun;
        // It ran to its end before: an id is used once, and the lock just taken is nobody's.
        await release(known);
        return known;
      }
    },

    async end(operation, status, reason) {
      const endedAt = table.now();
      const ended = { state: 'ended', status, endedAt: endedAt.toISOString() };
      await put(
        keys.operation(operation.id),
        {
          ...operation,
          ...ended,
          ...(reason && { reason }),
          expires: expiry(endedAt, table.keepDays),
        },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR #state <> :ended',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':ended': 'ended' },
        },
      );
      await release(operation);
    },

    async lock(operation, key) {
      const mine = {
        ConditionExpression: 'attribute_not_exists(pk) OR operation = :operation',
        ExpressionAttributeValues: { ':operation': operation },
      };
      if (await put(keys.lock(key), { operation }, mine)) return true;
      const holder = (await find(keys.lock(key)))?.operation;
      if (holder !== undefined && (await isRunning(holder))) return false;
      return put(
        keys.lock(key),
        { operation },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR operation = :holder',
          ExpressionAttributeValues: { ':holder': holder ?? operation },
        },
      );
    },

    async unlock(operation, key) {
      await unlessRefused(
        client.send(
          new DeleteCommand({
            TableName,
            Key: keys.lock(key),
            ConditionExpression: 'operation = :operation',
            ExpressionAttributeValues: { ':operation': operation },
          }),
        ),
      );
    },
  };
};
