/** A simulator for one test file, in the process or as a process of its own that may be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { authenticate, type Session } from '../contract/openstack/session.ts';

const MAIN = new URL('../../lib/simulator/main.ts', import.meta.url).pathname;

export function dataFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'simulator-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Logs in by an entry of a clouds.yaml, as any client would. */
export function openEntry(yaml: string, name: string): Promise<Session> {
  const { auth } = parse(yaml).clouds[name];
  const domain = { name: auth.user_domain_name };
  if (auth.application_credential_name) {
    const identity = {
      methods: ['application_credential'],
      application_credential: {
        name: auth.application_credential_name,
        secret: auth.application_credential_secret,
        user: { name: auth.username, domain },
      },
    };
    return authenticate(auth.auth_url, { identity });
  }
  const user = { name: auth.username, password: auth.password, domain };
  return authenticate(auth.auth_url, {
    identity: { methods: ['password'], password: { user } },
    scope: { project: { name: auth.project_name, domain: { name: auth.project_domain_name } } },
  });
}

export interface SimulatorProcess {
  port: number;
  url: string;
  child: ChildProcess;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export const launch = (data: string, more: readonly string[]) =>
  spawn(process.execPath, [MAIN, '--data', data, ...more], { stdio: ['pipe', 'pipe', 'pipe'] });

export async function spawnSimulator(
  data: string,
  ...more: readonly string[]
): Promise<SimulatorProcess> {
  const child = launch(data, more);
  child.stderr.resume();
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, 'line');
  const { ready, port } = JSON.parse(String(line));
  if (ready !== true) throw new Error(`not ready: ${line}`);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    child,
    async kill(signal) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}

/** The clouds.yaml that a process hands out. */
export async function yamlOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/_simulator/clouds.yaml`);
  return answer.text();
}
