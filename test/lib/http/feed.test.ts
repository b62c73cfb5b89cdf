import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../../lib/domain/operation.ts';
import { decodeCursor, encodeCursor, feed } from '../../../lib/http/feed.ts';
import type { Clock, EventStore } from '../../../lib/ports.ts';
import { testClock } from '../../support/clock.ts';
import { readEvents, readFrames } from '../../support/frames.ts';
import { openTable, type TestTable } from '../../support/table.ts';

let clock = testClock();
let table: TestTable;

const KEEP_DAYS = 30;

const operation = (id: string): Operation => ({
  ...{ id, kind: 'migration', state: 'running', input: {}, createdAt: clock.now().toISOString() },
  subject: { type: 'tenant', cloud: 'source', id: `tenant-of-${id}`, name: id },
});

const begin = (id: string) => table.stores.operations.begin(operation(id));
const happen = (id: string, step: number | string, last?: true) =>
  table.stores.events.append({
    ...{ operation: id, step: `${step}`, name: 'operation progress', data: { id: `${step}` } },
    ...(last && { last }),
  });
const end = async (id: string) => {
  await happen(id, 'end', true);
  await table.stores.operations.end(operation(id), '');
};

/** A clock on which something happens at the nth sleep; the connection lasts as many seconds as asked. */
const eventful = (happenings: Record<number, () => Promise<unknown>>): Clock => {
  let sleeps = 0;
  const sleep = async (milliseconds: number) => {
    await clock.sleep(milliseconds);
    sleeps += 1;
    await happenings[sleeps]?.();
  };
  return { now: clock.now, sleep };
};

interface Reading {
  lastEventId?: string | undefined;
  seconds?: number;
  /** Events after which the reader hangs up. */
  atMost?: number;
  happenings?: Record<number, () => Promise<unknown>>;
  events?: Pick<EventStore, 'read' | 'since'>;
}

/** What one connection gets: `operation step` of each event, and the id to come back with. */
const read = async ({
  lastEventId,
  seconds = 1,
  atMost = Number.POSITIVE_INFINITY,
  happenings = {},
  events = table.stores.events,
}: Reading = {}) => {
  const until = new Date(clock.now().getTime() + seconds * 1000);
  const connection = { clock: eventful(happenings), until, signal: new AbortController().signal };
  const source = { events, operations: table.stores.operations, keepDays: KEEP_DAYS };
  const got: string[] = [];
  let id = lastEventId;
  for await (const text of feed(source, decodeCursor(lastEventId), connection)) {
    for (const frame of readFrames(text)) id = frame.id ?? id;
    for (const { data } of readEvents(text)) {
      const { operation, id: step } = JSON.parse(data);
      got.push(`${operation} ${step}`);
    }
    if (got.length >= atMost) break;
  }
  return { got, id };
};

beforeEach(async () => {
  await table?.close();
  clock = testClock('2026-03-01T23:59:00.000Z');
  table = await openTable(clock, KEEP_DAYS);
});

afterAll(() => table.close());

describe('the feed of all operations', () => {
  test('begins with everything of what runs, and with nothing of what has ended', async () => {
    for (const id of ['ended', 'old', 'new']) await begin(id);
    await happen('old', 1);
    await happen('ended', 1);
    await end('ended');
    clock.advance(3600);
    await happen('old', 2);
    await happen('new', 1);
    const { got } = await read();
    expect(got.filter((one) => one.startsWith('old'))).toEqual(['old 1', 'old 2']);
    expect(got.filter((one) => !one.startsWith('old'))).toEqual(['new 1']);
  });

  test('begins without what ended just now', async () => {
    await begin('ended');
    await happen('ended', 1);
    await end('ended');
    expect((await read()).got).toEqual([]);
  });

  test('tells the operation beside the keys of the event', async () => {
    await begin('op');
    await happen('op', 1);
    const connection = { clock, until: new Date(clock.now().getTime() + 1000) };
    const signal = new AbortController().signal;
    const source = { ...table.stores, keepDays: KEEP_DAYS };
    const text = (await Array.fromAsync(feed(source, undefined, { ...connection, signal }))).join(
      '',
    );
    const [event] = readEvents(text);
    expect(event?.event).toBe('operation progress');
    expect(JSON.parse(event?.data ?? '')).toEqual({
      ...{ id: '1', operation: 'op', at: '2026-03-01T23:59:00.000Z' },
    });
  });

  test('sends what happens while it is open, of operations old and new', async () => {
    await begin('old');
    await happen('old', 1);
    const { got } = await read({
      seconds: 5,
      happenings: {
        2: () => happen('old', 2),
        4: () => begin('new'),
        5: () => happen('new', 1),
        9: () => end('old'),
      },
    });
    expect(got).toEqual(['old 1', 'old 2', 'new 1', 'old end']);
  });

  test('cut after any event and resumed has each event once and in order', async () => {
    for (const id of ['a', 'b', 'c']) await begin(id);
    for (let step = 1; step <= 4; step += 1) {
      for (const id of ['a', 'b', 'c']) await happen(id, step);
      clock.advance(30);
    }
    await end('b');
    for (let cut = 1; cut <= 12; cut += 1) {
      const first = await read({ atMost: cut });
      const second = await read({ lastEventId: first.id });
      const all = [...first.got, ...second.got];
      expect(all.filter((one) => one.startsWith('a'))).toEqual(['a 1', 'a 2', 'a 3', 'a 4']);
      expect(all.filter((one) => one.startsWith('c'))).toEqual(['c 1', 'c 2', 'c 3', 'c 4']);
      expect(new Set(all).size).toBe(all.length);
    }
  });

  test('resumed event by event over hours loses and repeats nothing', async () => {
    await begin('long');
    const sent: string[] = [];
    const got: string[] = [];
    let lastEventId: string | undefined;
    for (let round = 1; round <= 12; round += 1) {
      const brief = `brief${round}`;
      await begin(brief);
      for (const id of ['long', brief]) await happen(id, round);
      await end(brief);
      sent.push(`long ${round}`, `${brief} ${round}`, `${brief} end`);
      const seconds = round % 5 === 0 ? 125 : 1;
      const reading: Awaited<ReturnType<typeof read>> = await read({ lastEventId, seconds });
      got.push(...reading.got);
      lastEventId = reading.id;
      clock.advance(round * 97);
    }
    // The first connection began after brief1 had ended.
    expect(got.toSorted()).toEqual(sent.filter((one) => !one.startsWith('brief1 ')).toSorted());
    expect(Object.keys(decodeCursor(lastEventId)?.seen ?? {}).length).toBeLessThanOrEqual(3);
  });

  test('idle from its start resumes with what began and ended in the meantime', async () => {
    const { id } = await read({ seconds: 20 });
    await begin('brief');
    await happen('brief', 1);
    await end('brief');
    expect((await read({ lastEventId: id })).got).toEqual(['brief 1', 'brief end']);
  });

  test('waits for an index that lags, and then sends each event once', async () => {
    const { events } = table.stores;
    const lag = 20_000;
    const lagging: Pick<EventStore, 'read' | 'since'> = {
      read: (operation, after, limit) => events.read(operation, after, limit),
      async *since(at) {
        const visible = new Date(clock.now().getTime() - lag).toISOString();
        for await (const event of events.since(at)) if (event.at <= visible) yield event;
      },
    };
    const first = await read({ seconds: 1, events: lagging });
    await begin('op');
    await happen('op', 1);
    const second = await read({ lastEventId: first.id, seconds: 16, events: lagging });
    expect(second.got).toEqual([]);
    const happenings = { 1: () => happen('op', 2), 2: () => end('op') };
    const third = await read({ lastEventId: second.id, seconds: 60, happenings, events: lagging });
    expect(third.got).toEqual(['op 1', 'op 2', 'op end']);
  });

  test('resumed after a day and a night sends all that happened', async () => {
    await begin('op');
    await happen('op', 1);
    const { id } = await read();
    clock.advance(30 * 3600);
    await happen('op', 2);
    clock.advance(30 * 3600);
    await end('op');
    clock.advance(3600);
    const back = await read({ lastEventId: id });
    expect(back.got).toEqual(['op 2', 'op end']);
    expect(decodeCursor(back.id)?.seen).toEqual({});
  });
});

describe('a cursor', () => {
  test('survives its way through the reader', () => {
    const cursor = { since: '2026-01-01T00:00:00.000Z', seen: { 'op-1': 3 }, ended: { 'op-1': 9 } };
    expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
  });

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    undefined,
    '',
    '7',
    encoded(null),
    encoded(['never', {}, {}]),
    encoded(['2026-01-01T00:00:00.000Z', null, {}]),
    encoded(['2026-01-01T00:00:00.000Z', {}]),
    encoded(['2026-01-01T00:00:00.000Z', { op: 'x' }, {}]),
  ])('that we never gave (%s) is none', (id) => {
    expect(decodeCursor(id)).toBeUndefined();
  });

  test('from long before all that is kept reaches back only so far', async () => {
    const lastEventId = encodeCursor({ since: '0001-01-01T00:00:00.000Z', seen: {}, ended: {} });
    await begin('op');
    await happen('op', 1);
    const asked: string[] = [];
    const { events } = table.stores;
    const counted: Pick<EventStore, 'read' | 'since'> = {
      read: (operation, after, limit) => events.read(operation, after, limit),
      since: (at) => {
        asked.push(at);
        return events.since(at);
      },
    };
    expect((await read({ lastEventId, events: counted })).got).toEqual(['op 1']);
    expect(asked[0]).toBe('2026-01-30T23:58:00.000Z');
  });
});
