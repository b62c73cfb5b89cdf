/** The HTTP side of both clouds: who may speak to us at all, which service it is, what a fault makes of it. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedCloud } from './cloud.ts';
import type { CallLog, FaultScript, Outcome } from './faults.ts';
import { ANONYMOUS, authenticate } from './policy.ts';
import { numberOf, recordOf, textOf } from './reading.ts';
import { Refusal, UnknownPath } from './refusal.ts';
import { type Answer, type Call, type Match, routeTable, type Service } from './router.ts';

const MAX_BODY = 1024 * 1024;

export interface Site {
  cloud: SimulatedCloud;
  settle(): void;
}

export interface ListenerParts {
  sites: Site[];
  services: readonly Service[];
  faults: FaultScript;
  calls: CallLog;
  control(call: { method: string; path: string; body: unknown }): Promise<Answer | undefined>;
  commit(): void;
}

type Mounted = {
  service: Service;
  open: ReturnType<typeof routeTable>;
  routes: ReturnType<typeof routeTable>;
};

/** Refuses what a web page could send: another origin, or a name that only DNS rebinding would bring here. */
const isForeign = (request: IncomingMessage): boolean =>
  request.headers.origin !== undefined ||
  !/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? '');

/** The longest prefix wins, so that `/compute/v2.1` is found before `/compute`. */
export function requestListener(parts: ListenerParts) {
  const mounted = parts.services
    .map(
      (service): Mounted => ({
        service,
        open: routeTable(service.open),
        routes: routeTable(service.routes),
      }),
    )
    .sort((a, b) => b.service.prefix.length - a.service.prefix.length);
  return async (request: IncomingMessage, response: ServerResponse) => {
    try {
      await serve(parts, mounted, request, response);
    } catch (error) {
      if (!response.headersSent) send(request, response, { status: 500, body: String(error) });
      else response.destroy();
    }
  };
}

async function serve(
  parts: ListenerParts,
  mounted: Mounted[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (isForeign(request))
    return send(request, response, { status: 403, body: { error: 'foreign' } });
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const method = request.method ?? 'GET';
  const site = parts.sites.find(({ cloud }) => url.pathname.startsWith(`/${cloud.name}/`));
  const path = site ? url.pathname.slice(site.cloud.name.length + 1) : url.pathname;
  const home = mounted.find(({ service: { prefix } }) => `${path}/`.startsWith(`${prefix}/`));
  if (!site || !home) {
    const body = method === 'GET' ? undefined : await readJson(request).catch(() => undefined);
    const answer = await parts.control({ method, path: url.pathname, body });
    return send(request, response, answer ?? { status: 404, body: { error: 'not found' } });
  }
  const about = { cloud: site.cloud.name, service: home.service.name, method };
  const below = path.slice(home.service.prefix.length) || '/';
  const fault = parts.faults.strike({ ...about, path: below });
  if (fault === 'hang' || fault === 'cut') {
    parts.calls.add({ ...about, path: below + url.search, status: 0 });
    if (fault === 'cut') request.socket.destroy();
    return;
  }
  const struck = await scripted(fault);
  site.settle();
  const answer = struck ?? (await answerOf(home, site.cloud, request, url, below));
  parts.commit();
  const isLost = fault === 'lose' || fault === 'mute';
  parts.calls.add({ ...about, path: below + url.search, status: isLost ? 0 : answer.status });
  if (fault === 'lose') request.socket.destroy();
  if (isLost) return;
  await send(request, response, answer, site.cloud);
}

/** What a rule answers in the service's place; after a mere delay the service answers itself. */
async function scripted(fault: Outcome | undefined): Promise<Answer | undefined> {
  if (!fault || typeof fault === 'string') return undefined;
  if (fault.delay) await sleep(fault.delay);
  if (fault.status === undefined) return undefined;
  const headers = Object.fromEntries(
    Object.entries(fault.headers ?? {}).map(([name, value]) => [name, textOf(value)]),
  );
  return { status: fault.status, body: fault.body, headers };
}

async function answerOf(
  { service, open, routes }: Mounted,
  cloud: SimulatedCloud,
  request: IncomingMessage,
  url: URL,
  path: string,
): Promise<Answer> {
  const requestId = `req-${randomUUID()}`;
  const call: Call = {
    cloud,
    method: request.method ?? 'GET',
    path,
    query: url.searchParams,
    body: {},
    version: 0,
    requestId,
    who: ANONYMOUS,
    request,
    param: () => '',
  };
  let answer: Answer;
  try {
    call.version = versionOf(service, request);
    const unguarded = open(call.method, path);
    if (typeof unguarded !== 'object')
      call.who = authenticate(cloud, textOf(request.headers['x-auth-token']) || undefined);
    const match = typeof unguarded === 'object' ? unguarded : routes(call.method, path);
    answer = await run(service, match, call);
  } catch (error) {
    answer = refused(service, error, call);
  }
  return { ...answer, headers: { ...versionHeaders(service, call), ...answer.headers } };
}

async function run(
  service: Service,
  match: Match | 'other method' | undefined,
  call: Call,
): Promise<Answer> {
  if (match === 'other method') throw new Refusal(405, 'The method is not allowed here.');
  if (!match) throw new UnknownPath();
  call.param = (name) => match.params[name] ?? '';
  if (!service.streams?.includes(match.key)) call.body = recordOf(await readJson(call.request));
  return match.handler(call);
}

function refused(service: Service, error: unknown, call: Call): Answer {
  if (error instanceof UnknownPath) return service.refuse(new Refusal(404, ''), call);
  if (!(error instanceof Refusal)) throw error;
  const answer = service.refuse(error, call);
  const headers: Record<string, string> =
    error.status === 401
      ? { 'WWW-Authenticate': `Keystone uri="${call.cloud.origin()}/identity/v3"` }
      : {};
  return { ...answer, headers: { ...headers, ...answer.headers, ...error.headers } };
}

function versionOf(service: Service, request: IncomingMessage): number {
  const { versions } = service;
  if (!versions) return 0;
  const asked = textOf(request.headers['openstack-api-version'])
    .split(',')
    .map((one) => one.trim().split(/\s+/))
    .find(([name]) => name === versions.name)?.[1];
  const { header = 'X-OpenStack-Nova-API-Version' } = versions;
  const text = asked ?? textOf(request.headers[header.toLowerCase()]);
  if (text === 'latest') return versions.max;
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(text) ?? [
    '',
    `${versions.major}`,
    `${versions.min}`,
  ];
  const inside = numberOf(minor) >= versions.min && numberOf(minor) <= versions.max;
  if (Number(major) === versions.major && inside) return Number(minor);
  const range = `Minimum is ${versions.major}.${versions.min} and maximum is ${versions.major}.${versions.max}.`;
  throw new Refusal(406, `Version ${text} is not supported by the API. ${range}`);
}

function versionHeaders(service: Service, call: Call): Record<string, string> {
  const id = { 'x-openstack-request-id': call.requestId };
  if (!service.versions) return id;
  const version = `${service.versions.major}.${call.version || service.versions.min}`;
  if (service.versions.header)
    return {
      [service.versions.header]: version,
      [service.versions.header.replace('API-', 'API-Minimum-')]: `1.${service.versions.min}`,
      [service.versions.header.replace('API-', 'API-Maximum-')]: `1.${service.versions.max}`,
      'Openstack-Request-Id': call.requestId,
    };
  const header = { 'OpenStack-API-Version': `${service.versions.name} ${version}`, ...id };
  if (service.versions.name !== 'compute') return { Vary: 'OpenStack-API-Version', ...header };
  return {
    ...header,
    'X-OpenStack-Nova-API-Version': version,
    'x-compute-request-id': call.requestId,
    Vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refusal(413, 'Request is too large.');
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return Array.isArray(parsed) ? { list: parsed } : parsed;
  } catch {
    throw new Refusal(
      400,
      'Expecting to find valid JSON in request body. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
    );
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  cloud?: SimulatedCloud,
): Promise<void> {
  const headers = { ...answer.headers };
  if (answer.bytes && cloud) {
    const { segments, from, to } = answer.bytes;
    headers['Content-Length'] = String(to - from + 1);
    response.writeHead(answer.status, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    await pipeline(cloud.bytes.read(segments, from, to), response).catch(() => response.destroy());
    return;
  }
  const text = answer.body === undefined ? '' : textBody(answer.body);
  if (text && !headers['Content-Type']) headers['Content-Type'] = 'application/json';
  if (answer.status !== 204) headers['Content-Length'] = String(Buffer.byteLength(text));
  if (!request.complete) headers.Connection = 'close';
  response.writeHead(answer.status, headers);
  response.end(request.method === 'HEAD' ? undefined : text);
}

const textBody = (body: unknown): string =>
  typeof body === 'string' ? body : JSON.stringify(body);
