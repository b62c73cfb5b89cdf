import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../../lib/domain/operation.ts';
import type { OperationStore } from '../../../lib/ports.ts';
import { testClock } from '../../support/clock.ts';
import { openTable, type TestTable } from '../../support/table.ts';

let clock = testClock();
let table: TestTable;
let operations: OperationStore;

const operation = (id: string, subjectId = 'tenant-1'): Operation => ({
  ...{ id, kind: 'migration', state: 'running', createdAt: clock.now().toISOString() },
  subject: { type: 'tenant', cloud: 'source', id: subjectId, name: 'acme' },
  input: { strategy: 'snapshot', reuse: ['flavor'] },
});
const ids = (list: Operation[]) => list.map(({ id }) => id).sort();

beforeEach(async () => {
  await table?.close();
  clock = testClock();
  table = await openTable(clock);
  operations = table.stores.operations;
});

afterAll(() => table.close());

describe('an operation', () => {
  test('is found by its id and among the running ones once it has begun', async () => {
    const begun = await operations.begin(operation('one'));
    expect(begun).toEqual(operation('one'));
    expect(await operations.get('one')).toEqual(operation('one'));
    expect(await operations.running()).toEqual([operation('one')]);
  });

  test('begun twice is one operation', async () => {
    const first = await operations.begin(operation('one'));
    clock.advance(5);
    expect(await operations.begin(operation('one'))).toEqual(first);
    expect(ids(await operations.running())).toEqual(['one']);
  });

  test('is refused while another one holds its subject, naming that one and its stream', async () => {
    await operations.begin(operation('one'));
    await expect(operations.begin(operation('two'))).rejects.toMatchObject({
      name: 'OperationInProgress',
      details: { operation: 'one', events: '/events/one' },
    });
    expect(await operations.get('two')).toBeUndefined();
  });

  test('wins alone when twenty ask for one subject at once', async () => {
    const asked = Array.from({ length: 20 }, (_, index) =>
      operations.begin(operation(`op${index}`)),
    );
    const results = await Promise.allSettled(asked);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await operations.running()).toHaveLength(1);
  });

  test('runs beside one of another subject', async () => {
    await operations.begin(operation('one', 'tenant-1'));
    await operations.begin(operation('two', 'tenant-2'));
    expect(ids(await operations.running())).toEqual(['one', 'two']);
  });

  test('lets its subject go when it ends, and says how it ended', async () => {
    await operations.begin(operation('one'));
    clock.advance(10);
    await operations.end(operation('one'), 'error', 'the cloud went away');
    expect(await operations.running()).toEqual([]);
    expect(await operations.get('one')).toMatchObject({
      ...{ state: 'ended', status: 'error', reason: 'the cloud went away' },
      endedAt: clock.now().toISOString(),
    });
    expect(await operations.begin(operation('two'))).toMatchObject({ id: 'two' });
  });

  test('ended twice keeps its first ending and frees nothing of its successor', async () => {
    await operations.begin(operation('one'));
    await operations.end(operation('one'), '');
    const ended = await operations.get('one');
    await operations.begin(operation('two'));
    clock.advance(10);
    await operations.end(operation('one'), 'error', 'too late');
    expect(await operations.get('one')).toEqual(ended);
    expect(ids(await operations.running())).toEqual(['two']);
  });

  test('waits for a person in the turn that asks, and goes on in the next one, once', async () => {
    await operations.begin(operation('one'));
    expect(await operations.pause({ id: 'one' }, 'install')).toMatchObject({ waiting: 'install' });
    expect(await operations.proceed('one', 'power off')).not.toHaveProperty('turn');
    const next = await operations.proceed('one', 'install');
    expect(next).toMatchObject({ turn: 2 });
    expect(await operations.proceed('one', 'install')).toEqual(next);
    expect(await operations.pause({ id: 'one' }, 'install')).toEqual(next);
    expect(await operations.pause({ id: 'one', turn: 2 }, 'start')).toMatchObject({
      ...{ waiting: 'start', turn: 2 },
    });
    await operations.end(operation('one'), '');
    expect(await operations.pause({ id: 'one' }, 'start')).toMatchObject({ state: 'ended' });
  });

  test('that has ended never runs again under the same id', async () => {
    await operations.begin(operation('one'));
    await operations.end(operation('one'), '');
    expect(await operations.begin(operation('one'))).toMatchObject({ state: 'ended', status: '' });
    expect(await operations.running()).toEqual([]);
  });

  test('is forgotten when the days of keeping it are over', async () => {
    await operations.begin(operation('one'));
    await operations.end(operation('one'), '');
    clock.advance(30 * 86_400 - 1);
    expect(await operations.get('one')).toBeDefined();
    clock.advance(1);
    expect(await operations.get('one')).toBeUndefined();
  });
});

describe('a lock on an object', () => {
  beforeEach(async () => {
    await operations.begin(operation('one', 'tenant-1'));
    await operations.begin(operation('two', 'tenant-2'));
  });

  test('is taken again by its own operation and refused to another', async () => {
    expect(await operations.lock('one', 'server:a')).toBe(true);
    expect(await operations.lock('one', 'server:a')).toBe(true);
    expect(await operations.lock('two', 'server:a')).toBe(false);
    expect(await operations.lock('two', 'server:b')).toBe(true);
  });

  test('is free once its operation lets it go', async () => {
    await operations.lock('one', 'server:a');
    await operations.unlock('one', 'server:a');
    expect(await operations.lock('two', 'server:a')).toBe(true);
  });

  test('is not let go by another operation', async () => {
    await operations.lock('one', 'server:a');
    await operations.unlock('two', 'server:a');
    expect(await operations.lock('two', 'server:a')).toBe(false);
  });

  test('of an operation that has ended is taken over', async () => {
    await operations.lock('one', 'server:a');
    await operations.end(operation('one', 'tenant-1'), 'error');
    expect(await operations.lock('two', 'server:a')).toBe(true);
  });

  test('of an operation that ended long ago and is forgotten is taken over', async () => {
    await operations.lock('one', 'server:a');
    await operations.end(operation('one', 'tenant-1'), 'error');
    clock.advance(31 * 86_400);
    expect(await operations.lock('two', 'server:a')).toBe(true);
  });

  test('has one holder when twenty operations ask at once', async () => {
    const asked = Array.from({ length: 20 }, (_, n) => operations.lock(n % 2 ? 'one' : 'two', 'x'));
    const [even, odd] = [new Set<boolean>(), new Set<boolean>()];
    for (const [n, taken] of (await Promise.all(asked)).entries()) (n % 2 ? odd : even).add(taken);
    expect([...even, ...odd].sort()).toEqual([false, true]);
  });
});

describe('an operation that is to stop', () => {
  test('bears the time when that was first asked for, to its end', async () => {
    const begun = await operations.begin(operation('one'));
    const first = await operations.cancel('one');
    expect(first?.cancelledAt).toBe(clock.now().toISOString());
    clock.advance(5);
    expect(await operations.cancel('one')).toEqual(first);
    await operations.end({ ...begun, ...first }, 'error', 'it was cancelled');
    expect((await operations.get('one'))?.cancelledAt).toBe(first?.cancelledAt);
  });

  test('is answered as it ended when it has ended, and as nothing when nobody knows it', async () => {
    await operations.end(await operations.begin(operation('one')), '');
    const ended = await operations.cancel('one');
    expect(ended).toMatchObject({ state: 'ended', status: '' });
    expect(ended?.cancelledAt).toBeUndefined();
    expect(await operations.cancel('none')).toBeUndefined();
    expect(await operations.get('none')).toBeUndefined();
  });
});

describe('all operations', () => {
  const listed = async (marker?: Operation) =>
    (await Array.fromAsync(operations.list(marker))).map(({ id }) => id);

  test('are listed newest first, running or ended, once each, from after a marker on', async () => {
    const begun: Operation[] = [];
    for (const id of ['one', 'two', 'three']) {
      begun.push(await operations.begin(operation(id, id)));
      clock.advance(1);
    }
    const [one, two] = begun as [Operation, Operation];
    await operations.end(one, 'error', 'no luck');
    expect(await listed()).toEqual(['three', 'two', 'one']);
    expect(await listed(two)).toEqual(['one']);
    expect((await Array.fromAsync(operations.list())).at(-1)).toEqual(await operations.get('one'));
  });

  test('are forgotten with their streams', async () => {
    await operations.end(await operations.begin(operation('one')), '');
    clock.advance(31 * 86_400);
    expect(await listed()).toEqual([]);
  });
});
