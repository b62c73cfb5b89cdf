import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openRuntime } from '../../lib/runtime.ts';

const folder = mkdtempSync(join(tmpdir(), 'pumphouse-runtime-'));
const file = join(folder, 'clouds.yaml');

const writeClouds = (username: string) => {
  const auth = {
    ...{ auth_url: 'http://127.0.0.1:1/v3', username, password: 'p', project_name: 'admin' },
    ...{ user_domain_id: 'default', project_domain_id: 'default' },
  };
  const pumphouse = { fuel: { username } };
  const clouds = { source: { auth }, destination: { auth, pumphouse } };
  writeFileSync(file, JSON.stringify({ clouds }), { mode: 0o600 });
};

const userOf = async (runtime: ReturnType<typeof openRuntime>) =>
  JSON.stringify((await runtime.cloudConfigs()).source.auth);

const fuelUserOf = async (runtime: ReturnType<typeof openRuntime>) =>
  (await runtime.provisioning())?.settings.fuel.username;

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

test('rotated credentials reach a runtime that has been up for five minutes', async () => {
  writeClouds('before');
  const runtime = openRuntime({
    ...{ TABLE_NAME: 't', CLOUDS_FILE: file, SOURCE_CLOUD: 'source', TICKET_KEY: 'k' },
    ...{ DESTINATION_CLOUD: 'destination', PROVISIONER: 'fuel' },
    ...{ MIGRATE_TENANT_MACHINE: 'm', EVACUATE_HOST_MACHINE: 'e', REASSIGN_HOST_MACHINE: 'r' },
  });
  expect(await userOf(runtime)).toContain('before');
  expect(await fuelUserOf(runtime)).toBe('before');
  writeClouds('after');
  expect(await userOf(runtime)).toContain('before');
  vi.setSystemTime(Date.now() + 5 * 60_000);
  expect(await userOf(runtime)).toContain('after');
  expect(await fuelUserOf(runtime)).toBe('after');
});
