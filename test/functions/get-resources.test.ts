import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { handler } from '../../functions/get-resources.ts';
import { readTicket } from '../../lib/http/ticket.ts';
import { closeRuntime, systemClock } from '../../lib/runtime.ts';
import type { TestTable } from '../support/table.ts';
import { call, openEnvironment } from './environment.ts';

let table: TestTable;

const get = (query?: Record<string, string>, headers: Record<string, string> = {}) =>
  call(handler, { path: '/resources', headers, ...(query && { query }) });

const observe = (type: 'tenant' | 'server' | 'host', id: string, view = {}) =>
  table.stores.world.observe({ cloud: 'source', type, id, view }, undefined);

beforeEach(async () => {
  await table?.close();
  table = await openEnvironment();
});

afterAll(() => table.close());

describe('GET /resources', () => {
  test('answers the empty world before anything is known', async () => {
    const { statusCode, json } = await get();
    const empty = { urls: {}, tenants: [], resources: [], hosts: [] };
    expect(statusCode).toBe(200);
    expect(json).toEqual({
      ...{ reset: false, source: empty, destination: empty, hosts: [], events: [] },
    });
  });

  test('shows what listings and events have put into the table, and what runs', async () => {
    await observe('tenant', 't1', { name: 'it', description: 'IT Tenant' });
    await observe('server', 's1', { name: 'web', tenant_id: 't1' });
    await table.stores.operations.begin({
      ...{ id: 'op-1', kind: 'migration', state: 'running', input: {}, createdAt: '2026-01-01' },
      subject: { type: 'tenant', cloud: 'source', id: 't1', name: 'it' },
    });
    await table.stores.world.apply({
      ...{ operation: 'op-1', number: 1, name: 'tenant migrate', step: 's', at: '2026-01-01' },
      data: { id: 't1' },
    });
    const { json } = await get();
    expect(json.source.tenants).toEqual([
      { id: 't1', description: 'IT Tenant', name: 'it', status: 'migration' },
    ]);
    expect(json.source.resources).toEqual([
      { id: 's1', type: 'server', name: 'web', tenant_id: 't1' },
    ]);
    expect(json.events).toEqual(['op-1']);
  });

  test('says in a status that the world is as it was', async () => {
    const { headers } = await get();
    const etag = headers.etag ?? '';
    expect((await get(undefined, { 'if-none-match': etag })).statusCode).toBe(304);
    await observe('tenant', 't1', { name: 'it' });
    expect((await get(undefined, { 'if-none-match': etag })).statusCode).toBe(200);
  });

  test('is paged when a limit is given', async () => {
    for (const id of ['a', 'b', 'c']) await observe('server', id);
    const first = await get({ limit: '2' });
    expect(first.json.source.resources).toHaveLength(2);
    const second = await get({ limit: '2', marker: first.json.next });
    expect(second.json.source.resources).toEqual([{ id: 'c', type: 'server' }]);
    expect(second.json).not.toHaveProperty('next');
  });

  test('refuses a limit that is none, naming the field', async () => {
    const { statusCode, headers, json } = await get({ limit: 'many' });
    expect(statusCode).toBe(400);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(json).toMatchObject({ field: 'limit', instance: '/resources' });
  });

  test('sends a world that is too large to buffer on to the stream, with a ticket', async () => {
    const text = 'x'.repeat(300_000);
    const many = Array.from({ length: 18 }, (_, n) => observe('server', `s${n}`, { text }));
    await Promise.all(many);
    const { statusCode, headers } = await get();
    expect(statusCode).toBe(307);
    expect(headers['cache-control']).toBe('no-store');
    const ticket = new URL(headers.location ?? '').searchParams.get('ticket') ?? undefined;
    const key = process.env.TICKET_KEY ?? '';
    expect(readTicket(key, ticket, systemClock.now())).toBe('resources');
    expect((await get(undefined, { 'accept-encoding': 'gzip' })).statusCode).toBe(200);
  });

  test('has no destination when none is configured, and offers the reset where it is enabled', async () => {
    process.env.DESTINATION_CLOUD = '';
    process.env.RESET_ENABLED = 'true';
    closeRuntime();
    expect((await get()).json.reset).toBe(false); // a prefix is what enables it on real clouds
    process.env.RESET_PREFIX = 'demo-';
    closeRuntime();
    const { json } = await get();
    expect(json.reset).toBe(true);
    expect(json).not.toHaveProperty('destination');
  });
});
