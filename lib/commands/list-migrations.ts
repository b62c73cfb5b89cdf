import { PumphouseError } from '../domain/errors.ts';
import { OPERATION_KINDS, type Operation } from '../domain/operation.ts';
import type { OperationStore } from '../ports.ts';
import { operationAnswer } from './operation-answer.ts';

type Query = Readonly<Record<string, string | undefined>>;

const LIMIT = { usual: 100, most: 1000 } as const;
const STATES = ['running', 'ended'] as const;

const wrong = (field: string, message: string) =>
  new PumphouseError('InvalidRequest', `${field}: ${message}`, { details: { field } });

const limitOf = ({ limit }: Query) => {
  if (limit === undefined) return LIMIT.usual;
  if (/^\d{1,4}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= LIMIT.most) {
    return Number(limit);
  }
  throw wrong('limit', `takes a whole number from 1 to ${LIMIT.most}`);
};

const choiceOf = (query: Query, field: 'state' | 'kind', choices: readonly string[]) => {
  const value = query[field];
  if (value === undefined || choices.includes(value)) return value;
  throw wrong(field, `takes ${choices.join(', ')}`);
};

const refuseUnknown = (query: Query) => {
  const known = ['limit', 'marker', 'state', 'kind'];
  const unknown = Object.keys(query).find((field) => !known.includes(field));
  if (unknown) throw wrong(unknown, `is no filter; there are ${known.join(', ')}`);
};

const markerOf = async (operations: OperationStore, { marker }: Query) => {
  if (marker === undefined) return undefined;
  const known = await operations.get(marker);
  if (known) return known;
  throw wrong('marker', 'is the id of no operation that is kept; take it from next');
};

const place = ({ createdAt, id }: Operation) => `${createdAt}#${id}`;

/** All that are kept, newest first: the index may lag behind, so those that run are put in their places. */
async function* newestFirst(
  operations: OperationStore,
  marker: Operation | undefined,
): AsyncIterable<Operation> {
  const running = (await operations.running())
    .filter((one) => !marker || place(one) < place(marker))
    .sort((a, b) => (place(a) < place(b) ? 1 : -1));
  for await (const one of operations.list(marker)) {
    while (running[0] && place(running[0]) > place(one)) yield running.shift() as Operation;
    if (running[0]?.id === one.id) running.shift();
    yield one;
  }
  yield* running;
}

/**
 * The operations of whatever kind, newest first, a page at a time.
 * @throws InvalidRequest with `details.field`
 */
export const listMigrations = async (
  { operations }: { operations: OperationStore },
  query: Query,
): Promise<{ migrations: object[]; next?: string }> => {
  refuseUnknown(query);
  const limit = limitOf(query);
  const state = choiceOf(query, 'state', STATES);
  const kind = choiceOf(query, 'kind', OPERATION_KINDS);
  const page: Operation[] = [];
  for await (const one of newestFirst(operations, await markerOf(operations, query))) {
    if ((state && one.state !== state) || (kind && one.kind !== kind)) continue;
    if (page.length === limit)
      return { migrations: page.map(operationAnswer), next: String(page.at(-1)?.id) };
    page.push(one);
  }
  return { migrations: page.map(operationAnswer) };
};
