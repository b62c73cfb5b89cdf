import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { PlanItem } from '../../../lib/domain/plan.ts';
import type { PlanStore } from '../../../lib/ports.ts';
import { testClock } from '../../support/clock.ts';
import { openTable, type TestTable } from '../../support/table.ts';

let clock = testClock();
let table: TestTable;
let plans: PlanStore;

const item = (id: string, change: Partial<PlanItem> = {}): PlanItem => ({
  ...{ operation: 'op-1', type: 'server', id, label: id, action: 'create', wave: 1 },
  ...{ needs: [{ type: 'image', id: 'i' }], state: 'planned', intents: {}, notes: {} },
  ...change,
});

beforeEach(async () => {
  await table?.close();
  clock = testClock();
  table = await openTable(clock);
  plans = table.stores.plans;
});

afterAll(() => table.close());

describe('a plan', () => {
  test('of more items than one batch takes is listed whole', async () => {
    const items = Array.from({ length: 60 }, (_, n) => item(`s${String(n).padStart(2, '0')}`));
    await plans.put(items);
    expect(await plans.list('op-1')).toEqual(items);
    expect(await plans.list('op-2')).toEqual([]);
  });

  test('knows its items by type and id', async () => {
    await plans.put([item('a'), item('a', { type: 'volume' })]);
    expect(await plans.get('op-1', { type: 'volume', id: 'a' })).toMatchObject({ type: 'volume' });
    await expect(plans.get('op-1', { type: 'image', id: 'a' })).rejects.toMatchObject({
      name: 'ResourceNotFound',
    });
  });

  test('changes what it is told to and keeps the rest', async () => {
    await plans.put([item('a', { notes: { state: 'ACTIVE' } })]);
    await plans.update(item('a'), { state: 'ready', destinationId: 'x' });
    const updated = await plans.update(item('a'), { notes: { snapshot: 's1' } });
    expect(updated).toEqual(
      item('a', {
        ...{ state: 'ready', destinationId: 'x' },
        notes: { state: 'ACTIVE', snapshot: 's1' },
      }),
    );
    expect(await plans.get('op-1', item('a'))).toEqual(updated);
  });

  test('loses no note when two steps take one at once', async () => {
    await plans.put([item('a')]);
    const keys = Array.from({ length: 10 }, (_, n) => `note${n}`);
    await Promise.all(keys.map((key) => plans.update(item('a'), { notes: { [key]: key } })));
    const { notes } = await plans.get('op-1', item('a'));
    expect(Object.keys(notes).sort()).toEqual(keys);
  });
});

describe('an intent', () => {
  test('keeps the stream number and the time at which its step first began', async () => {
    await plans.put([item('a')]);
    const progress = { operation: 'op-1', name: 'operation progress' as const, data: {} };
    await table.stores.events.append({ ...progress, step: 'before' });
    const begun = clock.now().toISOString();
    const first = await plans.intend(item('a'), 'boot server');
    expect(first).toMatchObject({ tail: 1, at: begun });
    await table.stores.events.append({ ...progress, step: 'boot server' });
    clock.advance(60);
    expect(await plans.intend(item('a'), 'boot server')).toEqual(first);
  });

  test('of one step does not stand for another', async () => {
    await plans.put([item('a')]);
    const first = await plans.intend(item('a'), 'snapshot server');
    clock.advance(60);
    const second = await plans.intend(item('a'), 'boot server');
    expect(second.at).not.toBe(first.at);
    expect(await plans.intend(item('a'), 'snapshot server')).toEqual(first);
  });

  test('is one when a step begins many times at once', async () => {
    await plans.put([item('a')]);
    const begun = await Promise.all(
      Array.from({ length: 10 }, () => {
        clock.advance(1);
        return plans.intend(item('a'), 'boot server');
      }),
    );
    expect(new Set(begun.map(({ at }) => at)).size).toBe(1);
  });
});

describe('what Pumphouse made', () => {
  test('is remembered beyond its operation, and renewed', async () => {
    const reference = { type: 'network', id: 'n1' };
    expect(await plans.made(reference)).toBeUndefined();
    await plans.remember(reference, 'there-1', 'op-1');
    clock.advance(365 * 86_400);
    expect(await plans.made(reference)).toBe('there-1');
    await plans.remember(reference, 'there-2', 'op-2');
    expect(await plans.made(reference)).toBe('there-2');
  });
});
