/** A small real HTTP server that answers by script, with a Keystone whose catalog points back at it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type CloudConfig, loadCloud } from '../../../lib/openstack/clouds-yaml.ts';
import type { Clock } from '../../../lib/ports.ts';

export interface Seen {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: unknown;
}

/** Given the request and how many of its kind came before; takes the response itself if it says nothing. */
export type Script = (
  seen: Seen,
  before: number,
  raw: { request: IncomingMessage; response: ServerResponse },
) => Reply | undefined | Promise<Reply | undefined>;

export interface ScriptedServer {
  url: string;
  seen: Seen[];
  /** `GET /v2/images`: method and path, without the query. */
  on(route: string, script: Script | Reply): void;
  times(route: string): number;
  /** Of the tokens given out from now on. */
  tokenLife: { seconds: number };
  config(extra?: string): CloudConfig;
  [Symbol.asyncDispose](): Promise<void>;
}

const CATALOG: Record<string, string> = {
  identity: '/v3',
  compute: '/compute/v2.1',
  image: '/image',
  network: '/network',
  volumev3: '/volume/v3/own',
  placement: '/placement',
  baremetal: '/baremetal',
};

export const VERSIONS: Record<string, unknown> = {
  'GET /compute/v2.1/': { version: { version: '2.93', min_version: '2.1' } },
  'GET /volume/v3/': { versions: [{ version: '3.70', min_version: '3.0' }] },
  'GET /placement/': { versions: [{ max_version: '1.39', min_version: '1.0' }] },
  'GET /baremetal/': { default_version: { version: '1.82', min_version: '1.1' } },
};

const catalogOf = (url: string) =>
  Object.entries(CATALOG).map(([type, path]) => ({
    type,
    name: type,
    endpoints: [
      { interface: 'public', region: 'here', region_id: 'here', url: `${url}${path}` },
      { interface: 'internal', region: 'here', region_id: 'here', url: `${url}/internal${path}` },
      { interface: 'public', region: 'there', region_id: 'there', url: `${url}/there${path}` },
    ],
  }));

const readBody = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
};

const answer = (response: ServerResponse, { status = 200, headers = {}, body }: Reply): void => {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/html' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(text);
};

const tokenReply = (url: string, number: number, seconds: number, projectId: string): Reply => {
  const issued = Date.parse('2030-01-01T00:00:00Z');
  return {
    status: 201,
    headers: { 'x-subject-token': `token-${number}` },
    body: {
      token: {
        user: { id: 'user-1' },
        project: { id: projectId },
        roles: [{ name: 'admin' }],
        catalog: catalogOf(url),
        issued_at: new Date(issued).toISOString(),
        expires_at: new Date(issued + seconds * 1000).toISOString(),
      },
    },
  };
};

/** Routes with `stream` in their path keep the body for the script. */
export const scriptedServer = async (tls?: ServerOptions): Promise<ScriptedServer> => {
  const scripts = new Map<string, Script | Reply>();
  const seen: Seen[] = [];
  const tokenLife = { seconds: 14_400 };
  const times = (route: string) =>
    seen.filter((one) => `${one.method} ${one.url.split('?')[0]}` === route).length;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    const before = times(route);
    const streamed = /\/file$/.test(route);
    const one: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: '',
    };
    seen.push(one);
    if (!streamed) one.body = await readBody(request);
    const script = scripts.get(route) ?? {
      status: 404,
      body: { error: { message: `nothing at ${route}` } },
    };
    const reply =
      typeof script === 'function' ? await script(one, before, { request, response }) : script;
    if (reply !== undefined) answer(response, reply);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch(() => response.destroy());
  };
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  scripts.set('POST /v3/auth/tokens', ({ body }, before) => {
    const { scope } = JSON.parse(body).auth;
    return tokenReply(url, before + 1, tokenLife.seconds, scope?.project?.id ?? 'own');
  });
  for (const [route, body] of Object.entries(VERSIONS)) scripts.set(route, { body });
  return {
    url,
    seen,
    tokenLife,
    times,
    on: (route, script) => scripts.set(route, script),
    config: (extra = '') => loadCloud(cloudsText(url, extra), 'east'),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

export const cloudsText = (url: string, extra = ''): string => `
clouds:
  east:
    auth:
      auth_url: ${url}/v3
      username: operator
      password: hunter2-secret
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: here
${extra}
`;

/** A clock that only sleeping moves. */
export const fakeClock = (): Clock & { slept: number[]; pass(milliseconds: number): void } => {
  let now = Date.parse('2030-01-01T00:00:00Z');
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(now),
    pass: (milliseconds) => {
      now += milliseconds;
    },
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      now += milliseconds;
    },
  };
};
