import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Operation } from '../../lib/domain/operation.ts';
import { issueTicket, type TicketTarget } from '../../lib/http/ticket.ts';
import { systemClock } from '../../lib/runtime.ts';
import { readEvents } from '../support/frames.ts';
import type { TestTable } from '../support/table.ts';
import { callStreaming, installAwslambda, openEnvironment } from './environment.ts';

let table: TestTable;
let handler: unknown;

const operation: Operation = {
  ...{ id: 'op-1', kind: 'migration', state: 'running', input: {}, createdAt: '2026-01-01' },
  subject: { type: 'tenant', cloud: 'source', id: 't1', name: 'it' },
};
const happen = (step: string, last?: true) =>
  table.stores.events.append({
    ...{ operation: 'op-1', step, name: 'operation progress', data: { id: step } },
    ...(last && { last }),
  });

const ticketFor = (target: TicketTarget, secondsAgo = 0) => {
  const issued = new Date(systemClock.now().getTime() - secondsAgo * 1000);
  return issueTicket(process.env.TICKET_KEY ?? '', target, issued);
};
const open = (query: Record<string, string>, headers: Record<string, string> = {}) =>
  callStreaming(handler, { path: '/', query, headers });

/** The whole of a stream that ends by itself. */
const readAll = async (query: Record<string, string>, headers: Record<string, string> = {}) => {
  const { stream, done } = open(query, headers);
  const body = await text(stream);
  await done;
  return { body, statusCode: stream.statusCode, headers: stream.headers };
};
const ids = (body: string) => readEvents(body).map(({ id }) => id);

beforeAll(async () => {
  installAwslambda();
  ({ handler } = await import('../../functions/stream-events.ts'));
});

beforeEach(async () => {
  await table?.close();
  table = await openEnvironment();
  await table.stores.operations.begin(operation);
});

afterAll(() => table.close());

describe('the streaming Lambda URL', () => {
  test('refuses who has no ticket, an old one, or one of another key', async () => {
    const others = [ticketFor('feed', 61), 'nonsense', issueTicket('x', 'feed', systemClock.now())];
    for (const query of [{}, ...others.map((ticket) => ({ ticket }))]) {
      const { statusCode, headers, body } = await readAll(query);
      expect(statusCode).toBe(403);
      expect(headers?.['content-type']).toBe('application/problem+json');
      expect(JSON.parse(body)).toMatchObject({ status: 403 });
    }
  });

  test('replays a stream as Server-Sent Events and ends it after the last event', async () => {
    await happen('one');
    await happen('two', true);
    const answer = await readAll({ ticket: ticketFor('events:op-1') });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      ...{ 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
    });
    expect(answer.body.startsWith('retry: 1000\n\n')).toBe(true);
    expect(ids(answer.body)).toEqual(['1', '2']);
  });

  test('resumes after the last event that the reader has', async () => {
    for (const step of ['one', 'two']) await happen(step);
    await happen('three', true);
    const ticket = ticketFor('events:op-1');
    expect(ids((await readAll({ ticket }, { 'last-event-id': '1' })).body)).toEqual(['2', '3']);
    expect(ids((await readAll({ ticket, last_event_id: '2' })).body)).toEqual(['3']);
  });

  test('tells who has the last event that there is nothing more', async () => {
    await happen('one', true);
    const ticket = ticketFor('events:op-1');
    const answer = await readAll({ ticket }, { 'last-event-id': '1' });
    expect(answer).toMatchObject({ statusCode: 204, body: '' });
  });

  test('sends what happens while it is open', async () => {
    await happen('one');
    const { stream, done } = open({ ticket: ticketFor('events:op-1') });
    const body = text(stream);
    await happen('two');
    await happen('three', true);
    expect(ids(await body)).toEqual(['1', '2', '3']);
    await done;
  });

  test('frees everything when the reader hangs up', async () => {
    await happen('one');
    const { stream, done } = open({ ticket: ticketFor('events:op-1') });
    await once(stream, 'data');
    stream.destroy();
    await done;
    expect(stream.destroyed).toBe(true);
  });

  test('serves the feed of all operations', async () => {
    await happen('one');
    const { stream, done } = open({ ticket: ticketFor('feed') });
    let body = '';
    for await (const chunk of stream) {
      body += chunk;
      if (readEvents(body).length > 0) break;
    }
    await done;
    expect(JSON.parse(readEvents(body)[0]?.data ?? '')).toMatchObject({
      ...{ id: 'one', operation: 'op-1' },
    });
  });

  test('writes the world as the API would have answered it', async () => {
    const view = { name: 'it', description: 'IT Tenant' };
    await table.stores.world.observe(
      { cloud: 'source', type: 'tenant', id: 't1', view },
      undefined,
    );
    const { statusCode, headers, body } = await readAll({ ticket: ticketFor('resources') });
    expect(statusCode).toBe(200);
    expect(headers?.['content-type']).toBe('application/json');
    expect(JSON.parse(body)).toMatchObject({
      source: { tenants: [{ id: 't1', ...view }] },
      events: ['op-1'],
    });
  });

  test('explains in a problem that the table cannot be read, without internals', async () => {
    const ticket = ticketFor('events:op-1');
    process.env.TABLE_NAME = 'missing';
    const { closeRuntime } = await import('../../lib/runtime.ts');
    closeRuntime();
    const answer = await readAll({ ticket }, { 'last-event-id': '1' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toMatch(/missing|Exception/);
  });
});
