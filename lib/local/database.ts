/**
 * DynamoDB on loopback: `dynalite` on disk behind the guard, with the one table of `serverless.yml`
 * and the time-to-live that dynalite does not have.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  paginateScan,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { bindToLoopback, guarded, type LoopbackServer, readBody } from './loopback.ts';

/** Properties of an `AWS::DynamoDB::Table`. */
export interface TableProperties extends CreateTableCommandInput {
  TableName: string;
  TimeToLiveSpecification?: { AttributeName?: string; Enabled?: boolean | string };
}

/** The largest request that dynalite takes, bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Milliseconds between two sweeps of what has expired; AWS itself may take days. */
const SWEEP_INTERVAL = 3600 * 1000;

/** A table is ACTIVE at once here; one that is not after this many tries never will be. */
const TRIES = 200;

const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/**
 * Gives the engine whole requests, and lets it finish them before it is closed: it raises the error of
 * a client that hangs up half way, or of a database that closes meanwhile, as one of the process.
 */
const considerate = (engine: RequestListener) => {
  const answering = new Set<Promise<unknown>>();
  let closing = false;
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request, MAX_BYTES).catch(() => undefined);
    if (!body || closing) return response.writeHead(body ? 503 : 413).end();
    const whole = Readable.from(body.length > 0 ? [body] : []);
    const { headers, method, url } = request;
    const answered = once(response, 'close').finally(() => answering.delete(answered));
    answering.add(answered);
    engine(Object.assign(whole, { headers, method, url }) as IncomingMessage, response);
  };
  const finish = async () => {
    closing = true;
    await Promise.all(answering);
  };
  return { listener, finish };
};

const startEngine = async (path: string, port: number): Promise<LoopbackServer> => {
  const engine = dynalite({ path, createTableMs: 0 });
  const [answer] = engine.listeners('request') as RequestListener[];
  if (!answer) throw new Error('dynalite listens to nothing');
  const { listener, finish } = considerate(answer);
  engine.removeAllListeners('request');
  engine.on('request', guarded(listener));
  const server = await bindToLoopback(engine, port);
  return { ...server, close: () => finish().then(server.close) };
};

const describeTable = async (client: DynamoDBClient, TableName: string) => {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
};

const createTable = (client: DynamoDBClient, properties: TableProperties) => {
  const { TableName, AttributeDefinitions, KeySchema, GlobalSecondaryIndexes } = properties;
  const indexes = GlobalSecondaryIndexes ? { GlobalSecondaryIndexes } : {};
  const keys = { TableName, AttributeDefinitions, KeySchema, ...indexes };
  return client.send(new CreateTableCommand({ ...keys, BillingMode: 'PAY_PER_REQUEST' }));
};

const untilActive = async (client: DynamoDBClient, name: string) => {
  for (let i = 0; i < TRIES; i += 1) {
    const table = await describeTable(client, name);
    if (table?.TableStatus === 'ACTIVE') return table;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return undefined;
};

type Indexed = Pick<TableDescription, 'KeySchema' | 'GlobalSecondaryIndexes'>;

/** Keys and indexes in a form that can be compared. */
const shapeOf = ({ KeySchema, GlobalSecondaryIndexes }: Indexed): string => {
  const keys = (schema: Indexed['KeySchema']) =>
    (schema ?? []).map((key) => `${key.KeyType} ${key.AttributeName}`).sort();
  const indexes = (GlobalSecondaryIndexes ?? []).map((index) => [
    index.IndexName,
    index.Projection?.ProjectionType,
    keys(index.KeySchema),
  ]);
  return JSON.stringify([keys(KeySchema), indexes.sort()]);
};

const ensureTable = async (client: DynamoDBClient, properties: TableProperties) => {
  const name = properties.TableName;
  const found = await describeTable(client, name);
  if (!found) await createTable(client, properties);
  const table = await untilActive(client, name);
  if (table && shapeOf(table) !== shapeOf(properties as Indexed))
    throw new Error(`the data folder holds table ${name} with other keys: use a new --data folder`);
  return table !== undefined;
};

const isGone = (error: unknown): boolean => error instanceof ConditionalCheckFailedException;

/** Deletes what has expired. Attributes hold seconds since 1970. */
const sweep = async (client: DynamoDBClient, table: TableProperties, now: Date) => {
  const attribute = table.TimeToLiveSpecification?.AttributeName;
  if (!attribute) return 0;
  const condition = {
    ExpressionAttributeNames: { '#expiry': attribute },
    ExpressionAttributeValues: { ':now': { N: String(Math.floor(now.getTime() / 1000)) } },
  };
  const expired = '#expiry < :now';
  const { TableName, KeySchema = [] } = table;
  const scan = { TableName, FilterExpression: expired, ...condition };
  let swept = 0;
  for await (const { Items = [] } of paginateScan({ client }, scan))
    for (const item of Items) {
      const key: Record<string, AttributeValue> = {};
      for (const { AttributeName: name = '' } of KeySchema) if (item[name]) key[name] = item[name];
      const remove = { TableName, Key: key, ConditionExpression: expired, ...condition };
      await client.send(new DeleteItemCommand(remove)).catch((error) => {
        if (!isGone(error)) throw error;
      });
      swept += 1;
    }
  return swept;
};

export interface Database {
  /** For AWS_ENDPOINT_URL_DYNAMODB. */
  url: string;
  tableName: string;
  /** Deletes what has expired; how many items that were. */
  sweep(): Promise<number>;
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** A folder that only this process uses. */
  path: string;
  table: TableProperties;
  port?: number;
  now?: () => Date;
}

/** A process that died while it made the table leaves one that stays CREATING, and empty. */
const openEngine = async ({ path, table, port = 0 }: DatabaseOptions) => {
  for (const attempt of [1, 2]) {
    const server = await startEngine(path, port);
    const client = new DynamoDBClient({
      endpoint: server.url,
      region: 'us-east-1',
      credentials: CREDENTIALS,
    });
    const ready = await ensureTable(client, table).catch(async (error) => {
      await server.close();
      throw error;
    });
    if (ready) return { server, client };
    await server.close();
    if (attempt === 1) await rm(path, { recursive: true });
  }
  throw new Error(`the database in ${path} does not come up`);
};

/**
 * Opens the database of a data folder; the table is made when it is not there.
 *
 * What was acknowledged survives a killed process. Expired items are swept at the start and hourly.
 * @throws Error when the table there has other keys or indexes
 */
export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const { table, now = () => new Date() } = options;
  const { server, client } = await openEngine(options);
  const sweepNow = () => sweep(client, table, now());
  const sweepQuietly = () => void sweepNow().catch(() => {});
  const timer = setInterval(sweepQuietly, SWEEP_INTERVAL).unref();
  sweepQuietly();
  return {
    url: server.url,
    tableName: table.TableName,
    sweep: sweepNow,
    async stop() {
      clearInterval(timer);
      await server.close();
      client.destroy();
    },
  };
};
