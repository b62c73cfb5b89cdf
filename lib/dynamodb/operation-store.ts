/** Operations in DynamoDB: those that run stand in one partition, under the subject they lock. */
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { type Operation, operationInProgress } from '../domain/operation.ts';
import type { OperationStore } from '../ports.ts';
import { expiry, INDEX, keys, queryAll, SCHEMA, type Table, unlessRefused } from './table.ts';

const toOperation = ({
  pk: _pk,
  sk: _sk,
  v: _v,
  by: _by,
  at: _at,
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

  /** Changes the operation as it is kept, on a condition, and answers it as it then stands. */
  const change = async (id: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>) => {
    const write = new UpdateCommand({ TableName, Key: keys.operation(id), ...update });
    await unlessRefused(client.send(write));
    return get(id);
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
          const { type, name } = operation.subject;
          throw operationInProgress(
            { id: String(holder.id) },
            `${type} ${name} is held by a running ${holder.kind}`,
          );
        }
        const begun = toOperation(holder as Operation & { [key: string]: unknown });
        const written = await put(
          keys.operation(begun.id),
          { ...begun, ...keys.operationByTime(begun) },
          { ConditionExpression: 'attribute_not_exists(pk)' },
        );
        const known = (written ? begun : await get(begun.id)) ?? begun;
        const same = keys.running(known.subject).sk === key.sk;
        if (known.state !== 'ended' && same) return known;
        // An id is used once: it has ended, or holds another subject, and this lock is nobody's.
        await release(begun);
        if (known.state === 'ended') return known;
        throw operationInProgress(known, `The ${known.kind} ${known.id} runs already`);
      }
    },

    async *list(marker) {
      const { by, at } = keys.operationByTime(marker ?? { createdAt: '~', id: '' });
      const query = {
        IndexName: INDEX,
        KeyConditionExpression: '#by = :by AND #at < :at',
        ExpressionAttributeNames: { '#by': 'by', '#at': 'at' },
        ExpressionAttributeValues: { ':by': by, ':at': at },
        ScanIndexForward: false,
      };
      for await (const item of queryAll(table, query)) {
        yield toOperation(item as Operation & { [key: string]: unknown });
      }
    },

    async cancel(id) {
      await unlessRefused(
        client.send(
          new UpdateCommand({
            TableName,
            Key: keys.operation(id),
            UpdateExpression: 'SET cancelledAt = if_not_exists(cancelledAt, :now)',
            ConditionExpression: 'attribute_exists(pk) AND #state <> :ended',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: { ':now': table.now().toISOString(), ':ended': 'ended' },
          }),
        ),
      );
      return get(id);
    },

    pause: ({ id, turn }, step) =>
      change(id, {
        UpdateExpression: 'SET waiting = :step',
        ConditionExpression: `attribute_exists(pk) AND #state <> :ended AND ${
          turn === undefined ? 'attribute_not_exists(turn)' : 'turn = :turn'
        }`,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ...{ ':step': step, ':ended': 'ended' },
          ...(turn !== undefined && { ':turn': turn }),
        },
      }),

    proceed: (id, step) =>
      change(id, {
        UpdateExpression: 'SET turn = if_not_exists(turn, :first) + :one REMOVE waiting',
        ConditionExpression: 'waiting = :step',
        ExpressionAttributeValues: { ':step': step, ':first': 1, ':one': 1 },
      }),

    async end(operation, status, reason) {
      const endedAt = table.now();
      const ended = { state: 'ended', status, endedAt: endedAt.toISOString() };
      await put(
        keys.operation(operation.id),
        {
          ...operation,
          ...keys.operationByTime(operation),
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
      const item = { operation, ...keys.lockByKey(key) };
      if (await put(keys.lock(key), item, mine)) return true;
      const holder = (await find(keys.lock(key)))?.operation;
      if (holder !== undefined && (await isRunning(holder))) return false;
      return put(keys.lock(key), item, {
        ConditionExpression: 'attribute_not_exists(pk) OR operation = :holder',
        ExpressionAttributeValues: { ':holder': holder ?? operation },
      });
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
