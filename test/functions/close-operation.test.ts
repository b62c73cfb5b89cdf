import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { handler } from '../../functions/close-operation.ts';
import type { Operation } from '../../lib/domain/operation.ts';
import type { TestTable } from '../support/table.ts';
import { openEnvironment } from './environment.ts';

let table: TestTable;

beforeAll(async () => {
  table = await openEnvironment();
});

afterAll(() => table.close());

const begin = (id: string, change: Partial<Operation> = {}) =>
  table.stores.operations.begin({
    ...{ id, kind: 'migration', state: 'running', createdAt: '2026-11-23T10:00:00.000Z' },
    input: {},
    subject: { type: 'tenant', cloud: 'source', id: `tenant of ${id}`, name: 'acme' },
    ...change,
  });

/** As EventBridge hands it over: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const dead = (operation: string, status: string, name = operation) => ({
  ...{ version: '0', id: '315c1398-40ff-a850-213b-158f73e60175', account: '000000000000' },
  'detail-type': 'Step Functions Execution Status Change' as const,
  ...{ source: 'aws.states', time: '2026-11-23T10:42:21Z', region: 'eu-central-1' },
  resources: [
    `arn:aws:states:eu-central-1:000000000000:execution:pumphouse-dev-migrate-tenant:${name}`,
  ],
  detail: {
    executionArn: `arn:aws:states:eu-central-1:000000000000:execution:pumphouse-dev-migrate-tenant:${name}`,
    stateMachineArn:
      'arn:aws:states:eu-central-1:000000000000:stateMachine:pumphouse-dev-migrate-tenant',
    ...{ name, status, startDate: 1795430400000, stopDate: 1795432941000 },
    input: JSON.stringify({ operation }),
    inputDetails: { included: true },
    ...{ output: null, outputDetails: null, error: null, cause: null },
  },
});

const streamOf = async (id: string) =>
  (await table.stores.events.read(id, 0)).map(({ name, data, last }) => ({
    ...{ name, status: data.status, last },
  }));
const isRunning = async (id: string) =>
  (await table.stores.operations.running()).some((one) => one.id === id);

describe('an execution without a last word of its own', () => {
  test.each(['FAILED', 'TIMED_OUT', 'ABORTED'])(
    'that ended as %s has its operation closed with the last event, and its tenant let go',
    async (status) => {
      await begin(status);
      await handler(dead(status, status));
      expect(await streamOf(status)).toEqual([
        { name: 'tenant migrated', status: 'error', last: true },
      ]);
      expect(await table.stores.operations.get(status)).toMatchObject({
        ...{ state: 'ended', status: 'error' },
        reason: expect.stringContaining('send the request again'),
      });
      expect(await isRunning(status)).toBe(false);
    },
  );

  test('is told of twice and closes its operation once', async () => {
    await begin('twice');
    await handler(dead('twice', 'FAILED'));
    await handler(dead('twice', 'FAILED'));
    expect(await streamOf('twice')).toHaveLength(1);
  });

  test('changes nothing about an operation that had its last word', async () => {
    const operation = await begin('told');
    await table.stores.operations.end(operation, '');
    await handler(dead('told', 'FAILED'));
    expect(await streamOf('told')).toEqual([]);
    expect(await table.stores.operations.get('told')).toMatchObject({ status: '' });
  });

  test('of an earlier turn says nothing of the turn that its operation is at', async () => {
    await begin('turned');
    await table.stores.operations.pause({ id: 'turned' }, 'power off');
    await handler(dead('turned', 'ABORTED'));
    expect(await isRunning('turned')).toBe(true);
    await table.stores.operations.proceed('turned', 'power off');
    await handler(dead('turned', 'FAILED'));
    expect(await isRunning('turned')).toBe(true);
    await handler(dead('turned', 'FAILED', 'turned-2'));
    expect(await isRunning('turned')).toBe(false);
    expect(await streamOf('turned')).toHaveLength(1);
  });

  test('of an operation that nobody knows is no failure', async () => {
    await handler(dead('unknown', 'FAILED'));
    expect(await streamOf('unknown')).toEqual([]);
  });
});
