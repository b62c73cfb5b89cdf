import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { PumphouseEvent } from '../../../lib/domain/event.ts';
import type { EventStore } from '../../../lib/ports.ts';
import { testClock } from '../../support/clock.ts';
import { openTable, type TestTable } from '../../support/table.ts';

const START = '2026-03-01T23:59:30.000Z';

let clock = testClock(START);
let table: TestTable;
let events: EventStore;

const event = (step: string, operation = 'op-1') => ({
  ...{ operation, step, name: 'operation progress' as const, data: { id: step } },
});
const numbers = (list: PumphouseEvent[]) => list.map(({ number }) => number);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

beforeEach(async () => {
  await table?.close();
  clock = testClock(START);
  table = await openTable(clock);
  events = table.stores.events;
});

afterAll(() => table.close());

describe('a stream of events', () => {
  test('is empty before its first event', async () => {
    expect(await events.read('op-1', 0)).toEqual([]);
    expect(await events.tail('op-1')).toBe(0);
  });

  test('gives back what was put in, with its number and time', async () => {
    const data = { id: 'a', cloud: 'source', nested: { list: ['x'] }, progress: 10 };
    const appended = await events.append({
      ...{ operation: 'op-1', step: 'one', name: 'image uploading', data, last: true },
    });
    const expected = {
      ...{ operation: 'op-1', number: 1, step: 'one', name: 'image uploading', data },
      ...{ at: START, last: true },
    };
    expect(appended).toEqual(expected);
    expect(await events.read('op-1', 0)).toEqual([expected]);
  });

  test('is numbered from 1 without a gap when 50 steps append at once', async () => {
    const appended = await Promise.all(upTo(50).map((step) => events.append(event(`s${step}`))));
    expect(numbers(appended).sort((a, b) => a - b)).toEqual(upTo(50));
    const stored = await events.read('op-1', 0);
    expect(numbers(stored)).toEqual(upTo(50));
    expect(new Set(stored.map(({ step }) => step)).size).toBe(50);
    expect(await events.tail('op-1')).toBe(50);
  });

  test('has one event of a step that is repeated', async () => {
    const first = await events.append(event('one'));
    await events.append(event('two'));
    clock.advance(60);
    expect(await events.append(event('one'))).toEqual(first);
    expect(await events.append({ ...event('two'), after: 1 })).toMatchObject({ number: 2 });
    expect(await events.tail('op-1')).toBe(2);
  });

  test('has one event of a step that runs twenty times at once', async () => {
    const appended = await Promise.all(upTo(20).map(() => events.append(event('same'))));
    expect(new Set(numbers(appended))).toEqual(new Set([1]));
    expect(numbers(await events.read('op-1', 0))).toEqual([1]);
  });

  test('goes on after a step whose search begins in the middle', async () => {
    for (const step of ['one', 'two', 'three']) await events.append(event(step));
    expect(await events.append({ ...event('four'), after: 2 })).toMatchObject({ number: 4 });
  });

  test('is read after a number and up to a limit', async () => {
    for (const step of upTo(12)) await events.append(event(`s${step}`));
    expect(numbers(await events.read('op-1', 9))).toEqual([10, 11, 12]);
    expect(numbers(await events.read('op-1', 2, 3))).toEqual([3, 4, 5]);
    expect(await events.read('op-1', 12)).toEqual([]);
  });

  test('knows nothing of another stream', async () => {
    await events.append(event('one', 'op-1'));
    await events.append(event('one', 'op-2'));
    expect(await events.read('op-2', 0)).toMatchObject([{ operation: 'op-2', number: 1 }]);
  });

  test('is larger than one page of the database', async () => {
    const data = { id: 'x', text: 'y'.repeat(100_000) };
    for (const step of upTo(15)) await events.append({ ...event(`s${step}`), data });
    expect(numbers(await events.read('op-1', 0))).toEqual(upTo(15));
    expect(numbers(await Array.fromAsync(events.since(START)))).toEqual(upTo(15));
  });

  test('is not shown once it has expired, and still never gives a number twice', async () => {
    await events.append(event('one'));
    clock.advance(30 * 86_400);
    expect(await events.read('op-1', 0)).toEqual([]);
    expect(await Array.fromAsync(events.since(START))).toEqual([]);
    expect(await events.append(event('two'))).toMatchObject({ number: 2 });
  });
});

describe('the events of all streams', () => {
  test('are found by time across midnight', async () => {
    await events.append(event('early', 'op-1'));
    clock.advance(20);
    const from = clock.now().toISOString();
    await events.append(event('late', 'op-2'));
    clock.advance(60);
    await events.append(event('next day', 'op-1'));
    const found = await Array.fromAsync(events.since(from));
    expect(found.map(({ operation, step }) => [operation, step])).toEqual([
      ['op-2', 'late'],
      ['op-1', 'next day'],
    ]);
  });

  test('of one millisecond are in the order of their numbers', async () => {
    for (const step of upTo(12)) await events.append(event(`s${step}`));
    expect(numbers(await Array.fromAsync(events.since(START)))).toEqual(upTo(12));
  });
});
