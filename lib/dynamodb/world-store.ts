/** The world in DynamoDB: a partition per cloud and type. Events write it, listings correct it. */
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type PumphouseEvent, type WorldChange, worldChanges } from '../domain/event.ts';
import type { CloudState, WorldItem, WorldKey } from '../domain/world.ts';
import type { WorldStore } from '../ports.ts';
import {
  expiry,
  keys,
  queryAll,
  SCHEMA,
  type Table,
  unlessRefused,
  worldPartitions,
} from './table.ts';

/** Days that a removed object is remembered, so that a late repeat of an old event cannot bring it back. */
const TOMBSTONE_DAYS = 2;

/** The newest operations whose last number an item keeps. */
const KEPT_OPERATIONS = 4;

const toItem = ({
  pk: _pk,
  sk: _sk,
  v: _v,
  by: _by,
  at: _at,
  expires: _expires,
  ...item
}: Record<string, unknown>) => item as unknown as WorldItem;

/** The index by which consoles find a tenant's objects. */
const tenantIndex = ({ cloud, type, id }: WorldKey, view: WorldItem['view']) =>
  typeof view.tenant_id === 'string'
    ? { by: `tenant#${cloud}#${view.tenant_id}`, at: `${type}#${id}` }
    : {};

export const worldStore = (table: Table): WorldStore => {
  const { client, name: TableName } = table;

  const remembered = async ({ pk }: { pk: string }) => {
    const items: WorldItem[] = [];
    const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': pk } };
    for await (const item of queryAll(table, { ...query, ConsistentRead: true })) {
      items.push(toItem(item));
    }
    return items;
  };

  const list = async (partition: { pk: string }) =>
    (await remembered(partition)).filter((item) => !item.gone);

  const find = async (key: WorldKey) => {
    const Key = keys.world(key);
    const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    return Item && toItem(Item);
  };

  /** Nothing was read: nothing may be there but what has expired and was not yet removed. */
  const absent = () => ({
    ConditionExpression: 'attribute_not_exists(pk) OR expires <= :now',
    ExpressionAttributeValues: { ':now': expiry(table.now(), 0) },
  });

  const unchanged = ({ version }: WorldItem) => ({
    ConditionExpression: 'version = :version',
    ExpressionAttributeValues: { ':version': version },
  });

  /** Writes the item whole, if it is still at the version that was read. */
  const replace = (key: WorldKey, before: WorldItem | undefined, item: Partial<WorldItem>) => {
    const { view = {}, gone } = item;
    return unlessRefused(
      client.send(
        new PutCommand({
          TableName,
          Item: {
            ...keys.world(key),
            ...{ v: SCHEMA, cloud: key.cloud, type: key.type, id: key.id },
            ...{ ...item, view, version: (before?.version ?? 0) + 1 },
            ...(gone ? { expires: expiry(table.now(), TOMBSTONE_DAYS) } : tenantIndex(key, view)),
          },
          ...(before ? unchanged(before) : absent()),
        }),
      ),
    );
  };

  const changed = (change: WorldChange, before?: WorldItem): Partial<WorldItem> => {
    if (change.kind === 'remove') return { gone: true };
    const observed = change.observed ?? before?.observed;
    return {
      view: { ...(before?.gone ? {} : before?.view), ...change.view },
      ...(change.status && { status: change.status }),
      ...(change.kind === 'status' && change.reason && { reason: change.reason }),
      ...(observed && { observed }),
    };
  };

  const applyChange = async (event: PumphouseEvent, change: WorldChange) => {
    for (;;) {
      const before = await find(change);
      const applied = before?.applied ?? {};
      if ((applied[event.operation] ?? 0) >= event.number) return;
      if (change.kind === 'status' && (!before || before.gone)) return;
      const { [event.operation]: _now, ...others } = applied;
      const kept = Object.entries(others).slice(1 - KEPT_OPERATIONS);
      const item = {
        ...changed(change, before),
        operation: event.operation,
        applied: { ...Object.fromEntries(kept), [event.operation]: event.number },
      };
      if (await replace(change, before, item)) return;
    }
  };

  return {
    async apply(event) {
      for (const change of worldChanges(event)) await applyChange(event, change);
    },

    async read() {
      const clouds: CloudState[] = [];
      const readClouds = async () => {
        const query = {
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': 'cloud' },
        };
        for await (const { pk: _pk, sk: _sk, v: _v, ...state } of queryAll(table, query)) {
          clouds.push(state as unknown as CloudState);
        }
      };
      const [items] = await Promise.all([Promise.all(worldPartitions.map(list)), readClouds()]);
      return { items: items.flat(), clouds };
    },

    async get(key) {
      const item = await find(key);
      return item?.gone ? undefined : item;
    },

    list: (cloud, type) => list({ pk: `world#${cloud}#${type}` }),
    remembered: (cloud, type) => remembered({ pk: `world#${cloud}#${type}` }),

    async observe({ view, observed, ...key }, seen) {
      const { status, reason, operation, applied } = seen ?? {};
      await replace(key, seen, {
        view,
        ...(observed && { observed }),
        ...(status && !seen?.gone && { status }),
        ...(reason && !seen?.gone && { reason }),
        ...(operation && { operation }),
        ...(applied && { applied }),
      });
    },

    async miss(seen) {
      if (seen.missed) {
        const { applied, operation } = seen;
        await replace(seen, seen, {
          gone: true,
          ...(applied && { applied }),
          ...(operation && { operation }),
        });
        return;
      }
      await unlessRefused(
        client.send(
          new UpdateCommand({
            TableName,
            Key: keys.world(seen),
            UpdateExpression: 'SET missed = :true, version = version + :one',
            ConditionExpression: 'version = :version',
            ExpressionAttributeValues: { ':true': true, ':one': 1, ':version': seen.version },
          }),
        ),
      );
    },

    async putCloud(state) {
      await client.send(
        new PutCommand({ TableName, Item: { ...keys.cloud(state.cloud), v: SCHEMA, ...state } }),
      );
    },
  };
};
