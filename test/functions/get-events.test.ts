import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { handler } from '../../functions/get-events.ts';
import type { Operation } from '../../lib/domain/operation.ts';
import { readTicket } from '../../lib/http/ticket.ts';
import { systemClock } from '../../lib/runtime.ts';
import type { TestTable } from '../support/table.ts';
import { call, openEnvironment, type Request } from './environment.ts';

let table: TestTable;

const operation: Operation = {
  ...{ id: 'op-1', kind: 'migration', state: 'running', input: {}, createdAt: '2026-01-01' },
  subject: { type: 'tenant', cloud: 'source', id: 't1', name: 'it' },
};

const get = (id?: string, request: Request = {}) =>
  call(handler, { path: `/events/${id}`, ...(id && { parameters: { event_id: id } }), ...request });

const opened = (location = '') => {
  const url = new URL(location);
  const ticket = url.searchParams.get('ticket') ?? undefined;
  return {
    target: readTicket(process.env.TICKET_KEY ?? '', ticket, systemClock.now()),
    lastEventId: url.searchParams.get('last_event_id'),
  };
};

beforeEach(async () => {
  await table?.close();
  table = await openEnvironment();
});

afterAll(() => table.close());

describe('GET /events/{event_id}', () => {
  test('answers 404 for a stream that there never was', async () => {
    const { statusCode, json } = await get('nothing');
    expect(statusCode).toBe(404);
    expect(json).toMatchObject({ type: 'urn:pumphouse:resource-not-found', status: 404 });
  });

  test('sends the reader of a running operation on with a ticket for its stream alone', async () => {
    await table.stores.operations.begin(operation);
    const { statusCode, headers } = await get('op-1');
    expect(statusCode).toBe(307);
    expect(headers['cache-control']).toBe('no-store');
    expect(opened(headers.location)).toEqual({ target: 'events:op-1', lastEventId: null });
  });

  test('sends the reader of one that has ended on, too', async () => {
    await table.stores.operations.begin(operation);
    await table.stores.operations.end(operation, '');
    expect((await get('op-1')).statusCode).toBe(307);
  });

  test('keeps the place of a reader who comes back', async () => {
    await table.stores.operations.begin(operation);
    const byHeader = await get('op-1', { headers: { 'last-event-id': '7' } });
    expect(opened(byHeader.headers.location).lastEventId).toBe('7');
    const byQuery = await get('op-1', { query: { last_event_id: '8' } });
    expect(opened(byQuery.headers.location).lastEventId).toBe('8');
  });
});

describe('GET /events', () => {
  test('sends the reader on with a ticket for the feed of all operations', async () => {
    const { statusCode, headers } = await get();
    expect(statusCode).toBe(307);
    expect(opened(headers.location).target).toBe('feed');
  });
});
