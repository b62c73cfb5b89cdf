import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, type Started, start } from './starting.ts';

const running: Started[] = [];
const begin = (...options: string[]): Started => {
  const started = start(...options);
  running.push(started);
  return started;
};

afterAll(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL');
    await ended;
  }
});

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** A `clouds.yaml` of two clouds that one Keystone answers for. */
const writeClouds = (folder: string, port: number): string => {
  const auth = `{ auth_url: 'http://127.0.0.1:${port}/v3', username: a, password: secret, project_name: p, user_domain_name: Default, project_domain_name: Default }`;
  const credential = `{ auth_url: 'http://127.0.0.1:${port}/v3', application_credential_id: a, application_credential_secret: secret }`;
  const file = join(folder, 'clouds.yaml');
  writeFileSync(
    file,
    `clouds:\n  old: { auth: ${auth} }\n  new: { auth: ${auth} }\n  limited: { auth_type: v3applicationcredential, auth: ${credential} }\n`,
  );
  return file;
};

describe('a start that cannot be', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  const refusal = async (...options: string[]): Promise<string> => {
    const { ended, errors, lines } = begin(...options);
    expect(await ended).toBe(1);
    expect(lines).toEqual([]);
    expect(errors).toHaveLength(1);
    return errors[0] ?? '';
  };

  const keystone = async (): Promise<number> => {
    const server = createServer((_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":{"code":401,"message":"refused","title":"Unauthorized"}}');
    });
    servers.push(server);
    return listen(server);
  };

  it('is refused in one line for an option that there is not', async () => {
    expect(await refusal('--nonsense')).toMatch(/--nonsense/);
  });

  it('is refused in one line when the port is in use', async () => {
    const server = createServer();
    servers.push(server);
    const port = await listen(server);
    expect(await refusal('--port', String(port), '--data', newFolder())).toBe(
      `port ${port} is in use; --port 0 finds one`,
    );
  });

  it('is refused in one line when the clouds file or its cloud is not there', async () => {
    const folder = newFolder();
    const common = ['--port', '0', '--data', join(folder, 'data')];
    const missing = join(folder, 'missing.yaml');
    expect(await refusal(...common, '--clouds', missing, '--source', 'old')).toContain(missing);
    const file = writeClouds(folder, 1);
    expect(await refusal(...common, '--clouds', file, '--source', 'older')).toContain('"older"');
  });

  it('is refused in one line, without the password, when a cloud refuses it', async () => {
    const folder = newFolder();
    const file = writeClouds(folder, await keystone());
    const options = ['--port', '0', '--data', join(folder, 'data'), '--clouds', file];
    const line = await refusal(...options, '--source', 'old', '--destination', 'new');
    expect(line).toMatch(/source/);
    expect(line).not.toContain('secret');
  });

  it('is refused in one line when the destination has an application credential', async () => {
    const folder = newFolder();
    const file = writeClouds(folder, 1);
    const options = ['--port', '0', '--data', join(folder, 'data'), '--clouds', file];
    expect(await refusal(...options, '--source', 'old', '--destination', 'limited')).toMatch(
      /"limited" has an application credential/,
    );
  });

  it('explains all options on request', async () => {
    const { ended, lines } = begin('--help');
    expect(await ended).toBe(0);
    expect(lines.join('\n')).toContain('--image-mib');
  });
});

interface World {
  source: { tenants: { id: string; name: string }[]; resources: { type: string }[] };
}

const readWorld = async (url: string): Promise<World> =>
  (await (await fetch(`${url}/resources`)).json()) as World;

describe('a start with simulated clouds', () => {
  const data = join(newFolder(), 'data');
  const options = ['--port', '0', '--data', data, '--pace', '0.3', '--image-mib', '1'];
  let started: Started;
  let url: string;
  beforeAll(async () => {
    started = begin(...options);
    url = await started.ready;
  });

  it('says where everything is, and what to try', () => {
    const printed = started.lines.join('\n');
    expect(printed).toContain(`API          ${url}/resources`);
    expect(printed).toContain(`feed         ${url}/events`);
    expect(printed).toMatch(/database {5}http:\/\/127\.0\.0\.1:\d+ \(DynamoDB, table \S+\)/);
    expect(printed).toMatch(/source {7}http:\/\/127\.0\.0\.1:\d+\/\S+v3 /);
    expect(printed).toMatch(/destination {2}http:\/\/127\.0\.0\.1:\d+\/\S+v3 /);
    expect(printed.match(/^ {2}curl /gm)).toHaveLength(3);
    expect(started.lines.at(-1)).toBe(`ready ${url}`);
  });

  it('has written a clouds.yaml that only its owner reads', () => {
    const file = join(data, 'clouds.yaml');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/source:/);
  });

  it('serves the world that it found', async () => {
    const { source } = await readWorld(url);
    expect(source.tenants.length).toBeGreaterThan(1);
    expect(source.resources.some(({ type }) => type === 'server')).toBe(true);
  });

  it('refuses a second start on its data folder in one line', async () => {
    const second = begin('--port', '0', '--data', data);
    expect(await second.ended).toBe(1);
    expect(second.errors).toEqual([
      `the data folder ${data} is in use by another start (process ${started.child.pid})`,
    ]);
  });

  it('takes no post of a foreign page at any of its endpoints', async () => {
    const found = started.lines.join('\n').match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];
    const origins = new Set(found);
    expect(origins.size).toBe(3);
    for (const origin of origins)
      for (const path of ['/', '/reset', '/source/identity/v3/auth/tokens', '/_simulator/reset'])
        expect(
          (
            await fetch(`${origin}${path}`, {
              method: 'POST',
              headers: { origin: 'https://evil.example', 'content-type': 'text/plain' },
              body: '{}',
            })
          ).status,
        ).toBe(403);
  });

  it('goes on with a migration when it was killed, and does nothing twice', async () => {
    const [, tenant] = /tenants\/(\w+)/.exec(started.lines.join('\n')) ?? [];
    const response = await fetch(`${url}/tenants/${tenant}`, { method: 'POST' });
    expect(response.status).toBe(201);
    const stream = response.headers.get('location') ?? '';
    const decoder = new TextDecoder();
    const events = await fetch(`${url}${stream}`);
    let text = '';
    for await (const chunk of events.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes('event: server migrate\n')) break;
    }
    started.child.kill('SIGKILL');
    expect(await started.ended).toBe('SIGKILL');
    started = begin(...options);
    url = await started.ready;
    expect(started.lines.join('\n')).toMatch(/goes on {6}operation \S+/);
    const whole = await (await fetch(`${url}${stream}`)).text();
    const count = (name: string) => whole.split(`event: ${name}\n`).length - 1;
    expect(count('tenant migrated')).toBe(1);
    expect(count('server migrated')).toBeGreaterThan(0);
    expect(count('server boot')).toBe(count('server migrated'));
    expect(whole).toMatch(/event: tenant migrated\ndata: \{[^\n]*"status":""/);
  });

  it('ends with 0 when it is interrupted, and its simulated clouds with it', async () => {
    const [source = ''] =
      /http:\S+v3/.exec(started.lines.find((l) => l.startsWith('source')) ?? '') ?? [];
    expect((await fetch(source)).status).toBe(200);
    started.child.kill('SIGINT');
    expect(await started.ended).toBe(0);
    expect(started.errors).toEqual([]);
    await expect(fetch(source)).rejects.toThrow();
  });
});
