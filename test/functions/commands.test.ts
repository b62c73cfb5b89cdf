import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { handler as evacuateHost } from '../../functions/evacuate-host.ts';
import { handler as migrateTenant } from '../../functions/migrate-tenant.ts';
import { handler as reassignHost } from '../../functions/reassign-host.ts';
import { handler as resetClouds } from '../../functions/reset-clouds.ts';
import type { TestTable } from '../support/table.ts';
import { call, openEnvironment } from './environment.ts';

let table: TestTable;

beforeEach(async () => {
  await table?.close();
  table = await openEnvironment();
});

afterAll(() => table.close());

const COMMANDS = [
  ['POST /tenants/{tenant_id}', migrateTenant, { tenant_id: 't1' }],
  ['POST /hosts/{host_id}', evacuateHost, { host_id: 'h1' }],
  ['DELETE /hosts/{host_id}', reassignHost, { host_id: 'h1' }],
  ['POST /reset', resetClouds, {}],
] as const;

describe.each(COMMANDS)('%s', (_route, handler, parameters) => {
  test('refuses a body that is not JSON, naming it', async () => {
    for (const request of [
      { body: '{"strategy":' },
      { body: Buffer.from('{').toString('base64'), isBase64Encoded: true },
    ]) {
      const { statusCode, json } = await call(handler, { parameters, ...request });
      expect(statusCode).toBe(400);
      expect(json).toMatchObject({ type: 'urn:pumphouse:invalid-request', field: 'body' });
    }
  });

  test('refuses an Idempotency-Key that cannot be one, naming it', async () => {
    for (const key of ['', 'ä', 'x'.repeat(256)]) {
      const headers = { 'idempotency-key': key };
      const { statusCode, json } = await call(handler, { parameters, headers });
      expect(statusCode).toBe(400);
      expect(json.field).toBe('idempotency-key');
    }
  });
});

describe('POST /tenants/{tenant_id}', () => {
  test('refuses an option that it does not know, naming the field', async () => {
    const body = JSON.stringify({ strategy: 'teleport' });
    const { statusCode, json } = await call(migrateTenant, {
      parameters: { tenant_id: 't' },
      body,
    });
    expect(statusCode).toBe(400);
    expect(JSON.stringify(json)).toContain('strategy');
  });
});

describe('DELETE /hosts/{host_id}', () => {
  test('answers 409 where nothing is configured that could install a host', async () => {
    const { statusCode, json } = await call(reassignHost, { parameters: { host_id: 'h1' } });
    expect([statusCode, json.detail]).toEqual([409, expect.stringContaining('PROVISIONER')]);
  });
});

describe('POST /reset', () => {
  test('answers 404 where it is not enabled', async () => {
    const { statusCode, json } = await call(resetClouds);
    expect(statusCode).toBe(404);
    expect(json.type).toBe('urn:pumphouse:resource-not-found');
  });
});
