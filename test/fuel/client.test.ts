/** The simulated Nailgun, as Fuel's own client sees it; `test/fuel/run` says which client that is. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SimulatedFuel, startFuel } from '../support/nailgun.ts';

const execute = promisify(execFile);

let fuel: SimulatedFuel;
let folder: string;
let settings: string;
const seen: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-fuel-'));
  settings = join(folder, 'fuel.yaml');
  fuel = await startFuel(['node-1.test', 'node-2.test'], {
    removed: async (fqdn) => void seen.push(`removed ${fqdn}`),
    deployed: async (fqdn) => void seen.push(`deployed ${fqdn}`),
  });
  const lines = {
    ...{ SERVER_ADDRESS: '127.0.0.1', SERVER_PORT: new URL(fuel.url).port },
    ...{ OS_USERNAME: 'admin', OS_PASSWORD: 'admin', OS_TENANT_NAME: 'admin' },
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}: "${value}"\n`);
  await writeFile(settings, text.join(''));
});

afterAll(async () => {
  await fuel.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs `fuel2 WORDS...`; a refusal is answered with what it said. */
const fuel2 = async (...words: string[]): Promise<string> => {
  const env = { ...process.env, FUELCLIENT_CUSTOM_SETTINGS: settings };
  const ended = await execute(String(process.env.FUEL2), words, { env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return `${ended.stdout}${ended.stderr}`;
};

describe('python-fuelclient', () => {
  test('lists the environments and their nodes', async () => {
    expect(await fuel2('env', 'list')).toMatch(
      /1 \| operational \| old[\s\S]*2 \| operational \| new/,
    );
    expect(await fuel2('node', 'list')).toMatch(/1 \| Untitled \(node-1\)\s+\| ready/);
  });

  test('removes a node, which is then found again under another id', async () => {
    expect(await fuel2('env', 'remove', 'nodes', '-e', '1', '-n', '1')).toContain('were removed');
    expect(await fuel2('env', 'deploy', '1')).toContain('has been started');
    await expect.poll(() => fuel2('node', 'list'), { timeout: 60_000 }).toMatch(/10 \|.*discover/);
    expect(seen).toEqual(['removed node-1.test']);
  });

  test('is refused what Nailgun refuses, in its words', async () => {
    const add = (role: string) => fuel2('env', 'add', 'nodes', '-e', '2', '-n', '10', '-r', role);
    expect(await add('coffee')).toContain('coffee are not valid roles for node in environment 2');
    expect(await fuel2('env', 'deploy', '2')).toContain('No changes to deploy');
    expect(await fuel2('env', 'remove', 'nodes', '-e', '2', '-n', '2')).toContain(
      'are not members',
    );
    expect(await add('compute')).toContain('were added to the environment 2');
    expect(await fuel2('env', 'deploy', '2')).toContain('has been started');
    expect(await fuel2('env', 'deploy', '2')).toContain('another running tasks');
  });

  test('sees the node deployed in its new environment', async () => {
    await expect
      .poll(() => fuel2('node', 'list', '-e', '2'), { timeout: 60_000 })
      .toMatch(/10 \|.*ready.*compute/);
    expect(seen).toContain('deployed node-1.test');
  });
});
