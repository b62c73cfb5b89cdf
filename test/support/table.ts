/**
 * The real stores over a DynamoDB engine of the test's own, in memory, on loopback; or over any other
 * engine, where the environment says `DYNAMODB_ENDPOINT`.
 */
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { openStores, type Stores } from '../../lib/dynamodb/stores.ts';
import type { Clock } from '../../lib/ports.ts';

export interface TestTable {
  stores: Stores;
  name: string;
  close(): Promise<void>;
}

const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });
const key = (hash: string, range: string) => [
  { AttributeName: hash, KeyType: 'HASH' as const },
  { AttributeName: range, KeyType: 'RANGE' as const },
];

const createTable = (TableName: string) =>
  new DynamoDBClient({}).send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', 'by', 'at'].map(attribute),
      KeySchema: key('pk', 'sk'),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-at',
          KeySchema: key('by', 'at'),
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );

const listen = (server: Server) =>
  new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

const openEngine = async () => {
  const elsewhere = process.env.DYNAMODB_ENDPOINT;
  if (elsewhere) return { endpoint: elsewhere, close: async () => {} };
  const server = dynalite({ createTableMs: 0 });
  const port = await listen(server);
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { endpoint: `http://127.0.0.1:${port}`, close };
};

/** Opens an engine and an empty table; the SDK finds it through the environment, as it does on AWS. */
export const openTable = async (clock: Clock, keepDays?: number): Promise<TestTable> => {
  const { endpoint, close } = await openEngine();
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  });
  const name = `pumphouse-${randomUUID()}`;
  await createTable(name);
  return { stores: openStores(name, clock, keepDays), name, close };
};
