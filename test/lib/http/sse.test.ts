import { describe, expect, test } from 'vitest';
import type { PumphouseEvent } from '../../../lib/domain/event.ts';
import {
  COMMENT,
  eventData,
  frameText,
  operationStream,
  RETRY,
  resumeOperation,
} from '../../../lib/http/sse.ts';
import type { Clock, EventStore } from '../../../lib/ports.ts';
import { testClock } from '../../support/clock.ts';
import { readEvents } from '../../support/frames.ts';

const event = (number: number, last = false): PumphouseEvent => ({
  ...{ operation: 'op', number, name: 'image uploading', step: `${number}` },
  ...{ data: { id: 'x', progress: number }, at: '2026-01-01T00:00:00.000Z' },
  ...(last && { last: true }),
});
const events = (count: number, { ended = false } = {}) =>
  Array.from({ length: count }, (_, index) => event(index + 1, ended && index + 1 === count));

/** A store that holds a list, and tells how much was asked of it. */
const listed = (list: PumphouseEvent[]) => {
  const asked: { after: number; limit?: number | undefined }[] = [];
  const store: Pick<EventStore, 'read'> = {
    async read(_operation, after, limit) {
      asked.push({ after, limit });
      return list.filter(({ number }) => number > after).slice(0, limit);
    },
  };
  return { store, asked };
};

const connection = (clock: Clock, seconds = 300, signal = new AbortController().signal) => ({
  ...{ clock, signal, until: new Date(clock.now().getTime() + seconds * 1000) },
});

/** A clock on which something happens at the nth sleep. */
const eventful = (happenings: Record<number, () => void>) => {
  const clock = testClock();
  let sleeps = 0;
  const sleep = async (milliseconds: number) => {
    await clock.sleep(milliseconds);
    sleeps += 1;
    happenings[sleeps]?.();
  };
  return { ...clock, sleep, sleeps: () => sleeps };
};

const textOf = async (frames: AsyncIterable<string>) => (await Array.fromAsync(frames)).join('');
const ids = (text: string) => readEvents(text).map(({ id }) => Number(id));

describe('a frame', () => {
  test('has its id, its event with spaces, and its data', () => {
    expect(frameText({ id: '7', event: 'server boot', data: '{"id":"x"}' })).toBe(
      'id: 7\nevent: server boot\ndata: {"id":"x"}\n\n',
    );
  });

  test('has one data line for each line of data, whatever ends the lines', () => {
    const text = frameText({ id: '1', event: 'a', data: 'one\ntwo\r\nthree\rfour' });
    expect(text).toBe('id: 1\nevent: a\ndata: one\ndata: two\ndata: three\ndata: four\n\n');
  });

  test.each(['\n', '\r', '\0'])('refuses an id or an event that holds %j', (character) => {
    expect(() => frameText({ id: `1${character}`, event: 'a', data: '' })).toThrow(/id/);
    expect(() => frameText({ id: '1', event: `a${character}`, data: '' })).toThrow(/event/);
  });
});

describe('the data of an event', () => {
  test('has the keys of the contract first and the time last, however they were stored', () => {
    const data = { status: 'active', host_name: 'h', name: 'n', flavor: 'f', cloud: 'source' };
    const json = eventData({
      ...event(1),
      data: { ...data, tenant_id: 't', image_id: 'i', id: 'x' },
    });
    expect(Object.keys(JSON.parse(json))).toEqual([
      ...['id', 'cloud', 'name', 'image_id', 'tenant_id', 'host_name', 'flavor', 'status', 'at'],
    ]);
  });
});

describe('the stream of an operation', () => {
  test('tells first when to come back, then replays all and ends after the last event', async () => {
    const { store } = listed(events(3, { ended: true }));
    const clock = eventful({});
    const text = await textOf(operationStream(store, 'op', 0, connection(clock)));
    expect(text.startsWith(RETRY)).toBe(true);
    expect(ids(text)).toEqual([1, 2, 3]);
    expect(readEvents(text)[0]).toEqual({
      id: '1',
      event: 'image uploading',
      data: '{"id":"x","progress":1,"at":"2026-01-01T00:00:00.000Z"}',
    });
    expect(clock.sleeps()).toBe(0);
  });

  test.each([0, 1, 2, 3, 4])('resumes after event %i without loss or repetition', async (after) => {
    const { store } = listed(events(5, { ended: true }));
    const text = await textOf(operationStream(store, 'op', after, connection(testClock())));
    expect(ids(text)).toEqual([1, 2, 3, 4, 5].slice(after));
  });

  test('cut anywhere and resumed with the last id it gave is whole', async () => {
    const { store } = listed(events(4, { ended: true }));
    for (const cut of [1, 2, 3]) {
      const read: number[] = [];
      for await (const frame of operationStream(store, 'op', 0, connection(testClock()))) {
        read.push(...ids(frame));
        if (read.length === cut) break;
      }
      const after = await resumeOperation(store, 'op', String(read.at(-1)));
      if (after === 'ended') throw new Error('The stream has more');
      const rest = await textOf(operationStream(store, 'op', after, connection(testClock())));
      expect([...read, ...ids(rest)]).toEqual([1, 2, 3, 4]);
    }
  });

  test('sends what happens while it is open with the next look at the store', async () => {
    const list = events(1);
    const { store } = listed(list);
    const clock = eventful({ 2: () => list.push(event(2)), 5: () => list.push(event(3, true)) });
    const text = await textOf(operationStream(store, 'op', 0, connection(clock)));
    expect(ids(text)).toEqual([1, 2, 3]);
    expect(clock.sleeps()).toBe(5);
  });

  test('looks at the store at least twice a second', async () => {
    const { store, asked } = listed([]);
    await textOf(operationStream(store, 'op', 0, connection(testClock(), 10)));
    expect(asked.length).toBeGreaterThanOrEqual(20);
  });

  test('comments after each 15 seconds of silence, and ends when its time is up', async () => {
    const { store } = listed([]);
    const text = await textOf(operationStream(store, 'op', 0, connection(testClock(), 60)));
    expect(text).toBe(`${RETRY}${COMMENT.repeat(3)}`);
  });

  test('ends in the middle of a replay when its time is up', async () => {
    const { store } = listed(events(10));
    const clock = testClock();
    const read: string[] = [];
    for await (const frame of operationStream(store, 'op', 0, connection(clock, 60))) {
      read.push(frame);
      clock.advance(20);
    }
    expect(ids(read.join(''))).toEqual([1, 2]);
  });

  test('ends when its reader has gone', async () => {
    const { store, asked } = listed([]);
    const reader = new AbortController();
    const clock = eventful({ 3: () => reader.abort() });
    await textOf(operationStream(store, 'op', 0, connection(clock, 300, reader.signal)));
    expect(asked).toHaveLength(3);
  });

  test('reads no further than its reader has taken', async () => {
    const { store, asked } = listed(events(1000));
    const stream = operationStream(store, 'op', 0, connection(testClock()));
    for (let taken = 0; taken < 5; taken += 1) await stream.next();
    expect(asked).toEqual([{ after: 0, limit: 100 }]);
    await stream.return(undefined);
  });
});

describe('a reader who comes back', () => {
  const { store } = listed(events(3, { ended: true }));

  test('goes on after the event that it has', async () => {
    expect(await resumeOperation(store, 'op', '2')).toBe(2);
  });

  test('with the last event is told that there is nothing more', async () => {
    expect(await resumeOperation(store, 'op', '3')).toBe('ended');
  });

  test.each([undefined, '', '0', '4', '-1', '1.5', 'x', '99999999999'])(
    'with an id that we never gave (%s) begins anew',
    async (id) => {
      expect(await resumeOperation(store, 'op', id)).toBe(0);
    },
  );
});
