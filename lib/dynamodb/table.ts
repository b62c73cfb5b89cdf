/**
 * The one table: its keys, and nothing else. See docs/table.md for the items.
 * `pk`/`sk` are the key; `by`/`at` that of the index: events by day, objects by tenant, operations
 * (`by: 'operations'`, `at: <createdAt>#<id>`) by their beginning, locks by what they lock.
 */
import {
  type DynamoDBDocumentClient,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Reference } from '../domain/plan.ts';
import { CLOUD_NAMES, type CloudName, WORLD_TYPES, type WorldKey } from '../domain/world.ts';

export const INDEX = 'by-at';
/** Of the items, as consoles read them; old versions are read for ever. */
export const SCHEMA = 1;

/** What every store needs. */
export interface Table {
  client: DynamoDBDocumentClient;
  name: string;
  now(): Date;
  /** Days that an ended stream can be replayed. */
  keepDays: number;
}

const padded = (number: number) => String(number).padStart(8, '0');

export const keys = {
  running: (subject: { type: string; cloud: CloudName; id: string }) => ({
    pk: 'running',
    sk: `${subject.type}#${subject.cloud}#${subject.id}`,
  }),
  operation: (id: string) => ({ pk: `operation#${id}`, sk: 'operation' }),
  /** Where the index has it among all operations. */
  operationByTime: ({ createdAt, id }: { createdAt: string; id: string }) => ({
    by: 'operations',
    at: `${createdAt}#${id}`,
  }),
  event: (operation: string, number: number) => ({
    pk: `stream#${operation}`,
    sk: padded(number),
  }),
  lock: (key: string) => ({ pk: `lock#${key}`, sk: 'lock' }),
  /** Where the index has it among all locks. */
  lockByKey: (key: string) => ({ by: 'locks', at: key }),
  plan: (operation: string, { type, id }: Reference) => ({
    pk: `plan#${operation}`,
    sk: `${type}#${id}`,
  }),
  made: ({ type, id }: Reference) => ({ pk: `made#${type}`, sk: id }),
  world: ({ cloud, type, id }: WorldKey) => ({ pk: `world#${cloud}#${type}`, sk: id }),
  cloud: (cloud: CloudName) => ({ pk: 'cloud', sk: cloud }),
  schedule: (id: string) => ({ pk: 'schedules', sk: id }),
  day: (at: string) => `day#${at.slice(0, 10)}`,
};

const partition = ({ cloud, type }: Pick<WorldKey, 'cloud' | 'type'>) => ({
  ...{ cloud, type, pk: `world#${cloud}#${type}` },
});

/** Of what is in no cloud, there are only hosts. */
export const worldPartitions = [
  ...CLOUD_NAMES.flatMap((cloud) => WORLD_TYPES.map((type) => partition({ cloud, type }))),
  partition({ cloud: 'none', type: 'host' }),
];

/** Epoch seconds at which an item may go, `days` from now. */
export const expiry = (now: Date, days: number) =>
  Math.floor(now.getTime() / 1000) + Math.round(days * 86_400);

/**
 * Every item that a query finds, page after page. Time-to-live removes late, so what has expired is
 * left out unless it is asked for.
 */
export async function* queryAll(
  table: Table,
  input: Omit<QueryCommandInput, 'TableName'>,
  { evenExpired = false } = {},
): AsyncIterable<Record<string, unknown>> {
  const now = Math.floor(table.now().getTime() / 1000);
  const pages = paginateQuery({ client: table.client }, { TableName: table.name, ...input });
  for await (const page of pages) {
    for (const item of page.Items ?? []) {
      if (evenExpired || typeof item.expires !== 'number' || item.expires > now) yield item;
    }
  }
}

export const isConditionFailure = (error: unknown) =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException';

/** Runs a conditional write; false when the condition did not hold. */
export const unlessRefused = async (write: Promise<unknown>): Promise<boolean> => {
  try {
    await write;
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
};
