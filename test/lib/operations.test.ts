import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../lib/domain/operation.ts';
import { keys } from '../../lib/dynamodb/table.ts';
import { beginOperation, endOperation, type OperationPorts } from '../../lib/operations.ts';
import type { Workflows } from '../../lib/ports.ts';
import { record } from '../../lib/record.ts';
import { type SweepPorts, sweepOperations } from '../../lib/sweep.ts';
import { testClock } from '../support/clock.ts';
import { openTable, type TestTable } from '../support/table.ts';

const clock = testClock();
let table: TestTable;
let executions: Map<string, 'running' | 'succeeded' | 'failed'>;
let startFailure: Error | undefined;

/** The service of state machines as far as an operation knows it. */
const workflows: Workflows = {
  async start({ id }) {
    if (startFailure) throw startFailure;
    if (!executions.has(id)) executions.set(id, 'running');
  },
  status: async ({ id }) => executions.get(id) ?? 'absent',
};

const ports = (): SweepPorts & OperationPorts => ({ ...table.stores, workflows, clock });

const operation = (id: string, change: Partial<Operation> = {}): Operation => ({
  ...{ id, kind: 'migration', state: 'running', createdAt: clock.now().toISOString(), input: {} },
  subject: { type: 'tenant', cloud: 'source', id: 'acme', name: 'acme' },
  ...change,
});

const reset = (id: string) =>
  operation(id, {
    kind: 'reset',
    subject: { type: 'clouds', cloud: 'source', id: 'clouds', name: 'both clouds' },
    input: { clouds: ['source', 'destination'] },
  });

const stream = async (id: string) =>
  (await table.stores.events.read(id, 0)).map(({ name, data, last }) => ({
    name,
    data,
    ...(last && { last }),
  }));
const running = async () => (await table.stores.operations.running()).map(({ id }) => id);

/** Writes the lock as it was before the end: what a death between the two writes of an end leaves. */
const putBack = (begun: Operation) =>
  DynamoDBDocumentClient.from(new DynamoDBClient({})).send(
    new PutCommand({ TableName: table.name, Item: { ...keys.running(begun.subject), ...begun } }),
  );

beforeEach(async () => {
  await table?.close();
  table = await openTable(clock);
  executions = new Map();
  startFailure = undefined;
});

afterAll(() => table.close());

describe('an operation', () => {
  test('begins with its lock, its first event and its execution', async () => {
    await beginOperation(ports(), operation('one'));
    expect(await running()).toEqual(['one']);
    expect(await stream('one')).toEqual([{ name: 'tenant migrate', data: { id: 'acme' } }]);
    expect(executions.get('one')).toBe('running');
  });

  test('begun twice is one operation with one first event', async () => {
    await beginOperation(ports(), operation('one'));
    await beginOperation(ports(), operation('one'));
    expect(await stream('one')).toHaveLength(1);
  });

  test('is refused while another one holds the subject, and the answer names it', async () => {
    await beginOperation(ports(), operation('one'));
    await expect(beginOperation(ports(), operation('two'))).rejects.toMatchObject({
      name: 'OperationInProgress',
      details: { operation: 'one', events: '/events/one' },
    });
    expect(await stream('two')).toEqual([]);
  });

  test('that has ended is answered as it ended and does not begin again', async () => {
    await beginOperation(ports(), operation('one'));
    await endOperation(ports(), 'one', 'error', 'no luck');
    const again = await beginOperation(ports(), operation('one'));
    expect(again).toMatchObject({ state: 'ended', status: 'error', reason: 'no luck' });
    expect(await running()).toEqual([]);
  });

  test('ends with its last event and lets its subject go', async () => {
    await beginOperation(ports(), operation('one'));
    await endOperation(ports(), 'one', '');
    expect((await stream('one')).at(-1)).toEqual({
      name: 'tenant migrated',
      data: { id: 'acme', status: '' },
      last: true,
    });
    await expect(beginOperation(ports(), operation('two'))).resolves.toMatchObject({ id: 'two' });
  });

  test('ends once: the first end holds', async () => {
    await beginOperation(ports(), operation('one'));
    await endOperation(ports(), 'one', 'error', 'web-1 does not boot');
    const again = await endOperation(ports(), 'one', '');
    expect(again).toEqual({ status: 'error', reason: 'web-1 does not boot' });
    expect((await stream('one')).filter(({ last }) => last)).toHaveLength(1);
    expect(await table.stores.operations.get('one')).toMatchObject({ status: 'error' });
  });

  test('that nobody knows cannot end', async () => {
    await expect(endOperation(ports(), 'none', '')).rejects.toMatchObject({
      name: 'ResourceNotFound',
    });
  });

  test('a reset ends once for each cloud, the last is last', async () => {
    await beginOperation(ports(), reset('one'));
    await endOperation(ports(), 'one', '');
    expect(await stream('one')).toEqual([
      { name: 'reset start', data: {} },
      { name: 'reset completed', data: { cloud: 'source', status: '' } },
      { name: 'reset completed', data: { cloud: 'destination', status: '' }, last: true },
    ]);
    expect(executions.get('one')).toBe('running');
  });
});

describe('sweeper', () => {
  test('what could not be started by its request is started', async () => {
    startFailure = new Error('no connection');
    await beginOperation(ports(), operation('one'));
    expect(executions.size).toBe(0);
    startFailure = undefined;
    clock.advance(31);
    expect(await sweepOperations(ports())).toEqual(new Map([['one', 'started']]));
    expect(executions.get('one')).toBe('running');
    expect(await stream('one')).toHaveLength(1);
  });

  test('what died right after its lock gets its first event and its execution', async () => {
    await table.stores.operations.begin(operation('one'));
    clock.advance(31);
    await sweepOperations(ports());
    expect(await stream('one')).toEqual([{ name: 'tenant migrate', data: { id: 'acme' } }]);
    expect(executions.get('one')).toBe('running');
  });

  test('a fresh operation is left to its own request', async () => {
    await table.stores.operations.begin(operation('one'));
    expect(await sweepOperations(ports())).toEqual(new Map([['one', 'left']]));
    expect(executions.size).toBe(0);
  });

  test('what runs is left alone', async () => {
    await beginOperation(ports(), operation('one'));
    clock.advance(3600);
    expect(await sweepOperations(ports())).toEqual(new Map([['one', 'left']]));
    expect(await stream('one')).toHaveLength(1);
  });

  test.each(['failed', 'succeeded'] as const)(
    'an execution that %s without a last event is closed with an error, and its subject is free',
    async (outcome) => {
      const host = { type: 'host', cloud: 'source', id: 'h1', name: 'h1' } as const;
      await beginOperation(ports(), operation('one', { kind: 'evacuation', subject: host }));
      executions.set('one', outcome);
      clock.advance(31);
      await sweepOperations(ports());
      expect((await stream('one')).at(-1)).toMatchObject({
        name: 'host evacuated',
        data: { id: 'h1', status: 'error', reason: expect.stringContaining('workflow ended') },
        last: true,
      });
      expect(await running()).toEqual([]);
    },
  );

  test('an end that died between its event and its lock is completed as it was told', async () => {
    await beginOperation(ports(), operation('one'));
    const data = { id: 'acme', status: '' };
    const name = 'tenant migrated';
    await record(table.stores, { operation: 'one', step: 'end', name, data, last: true });
    executions.set('one', 'succeeded');
    clock.advance(31);
    await sweepOperations(ports());
    expect(await running()).toEqual([]);
    expect(await table.stores.operations.get('one')).toMatchObject({ state: 'ended', status: '' });
    expect(await stream('one')).toHaveLength(2);
  });

  test('a lock that outlived its operation is let go', async () => {
    const begun = await beginOperation(ports(), operation('one'));
    await endOperation(ports(), 'one', 'error', 'no luck');
    await putBack(begun);
    expect(await running()).toEqual(['one']);
    await sweepOperations(ports());
    expect(await running()).toEqual([]);
    expect(await table.stores.operations.get('one')).toMatchObject({ reason: 'no luck' });
  });

  test('a reset whose machine died is closed for both clouds', async () => {
    await beginOperation(ports(), reset('one'));
    executions.set('one', 'failed');
    clock.advance(60);
    await sweepOperations(ports());
    expect((await stream('one')).map(({ name }) => name)).toEqual([
      'reset start',
      'reset completed',
      'reset completed',
    ]);
    expect(await running()).toEqual([]);
  });

  test('nothing is begun while a reset runs, and what runs already is answered', async () => {
    await beginOperation(ports(), operation('before'));
    await beginOperation(ports(), reset('one'));
    await beginOperation(ports(), operation('before'));
    const other = { type: 'tenant', cloud: 'source', id: 'globex', name: 'globex' } as const;
    await expect(
      beginOperation(ports(), operation('after', { subject: other })),
    ).rejects.toMatchObject({ name: 'OperationInProgress', details: { operation: 'one' } });
    expect((await running()).sort()).toEqual(['before', 'one']);
  });

  test('one that cannot be swept does not keep the others waiting', async () => {
    const other = { type: 'tenant', cloud: 'source', id: 'globex', name: 'globex' } as const;
    await table.stores.operations.begin(operation('one'));
    await table.stores.operations.begin(operation('two', { subject: other }));
    clock.advance(31);
    const picky: Workflows = {
      ...workflows,
      status: async (swept) => {
        if (swept.id === 'one') throw new Error('throttled');
        return workflows.status(swept);
      },
    };
    await expect(sweepOperations({ ...ports(), workflows: picky })).rejects.toThrow(AggregateError);
    expect(executions.get('two')).toBe('running');
  });
});
