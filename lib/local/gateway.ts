/**
 * API Gateway and Lambda function URLs on one loopback port: requests become events, results become
 * answers, with the limits and the refusals of AWS.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FunctionFailure, type Functions } from './functions.ts';
import { type Answer, ownAnswer, sendAnswer, toAnswer } from './http-answer.ts';
import { toEvent } from './http-event.ts';
import { BodyTooLarge, listenOnLoopback, MAX_REQUEST_BYTES, readBody } from './loopback.ts';
import { ResponseStream } from './response-stream.ts';
import { type Match, type Route, routeTable } from './routes.ts';

/** Where function URLs are served: `/lambda-url/<function key>/`. */
export const FUNCTION_URLS = '/lambda-url/';

const FUNCTION_URL = /^\/lambda-url\/([^/?]+)\/?([^?]*)(\?.*)?$/s;

/** API Gateway gives up on an integration after 30 s; milliseconds. */
const INTEGRATION_TIMEOUT = 30_000;

export interface Served {
  functions: Functions;
  routes: Route[];
  /** The functions that have a URL. */
  urls: string[];
}

/** Told when a function fails, for the operator's eyes. */
export type Report = (functionKey: string, error: unknown) => void;

interface Door extends Served {
  url: string;
  match: ReturnType<typeof routeTable>;
  report: Report;
  integrationTimeout: number;
}

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  body: Buffer;
}

const isTimeout = (error: unknown): boolean =>
  error instanceof FunctionFailure && error.name === 'Sandbox.Timedout';

const withTimeout = async <T>(work: Promise<T>, milliseconds: number): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const gone = () => reject(new FunctionFailure('Sandbox.Timedout', 'the integration timed out'));
  const timer = setTimeout(gone, milliseconds);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
};

/** The function URL of ours that a 307 leads to. */
const redirection = (door: Door, { status, headers }: Answer): string | undefined => {
  const { location = '' } = headers;
  const inside = status === 307 && location.startsWith(`${door.url}${FUNCTION_URLS}`);
  return inside ? location.slice(door.url.length) : undefined;
};

const runStreaming = async (door: Door, visit: Visit, key: string, event: unknown) => {
  const stream = new ResponseStream(visit.response);
  try {
    await door.functions.stream(key, event, stream);
  } catch (error) {
    door.report(key, error);
    if (visit.response.headersSent) stream.destroy();
    else sendAnswer(visit.response, ownAnswer(502));
  }
};

/** Serves a function URL. `target` is path and query below our root. */
const visitUrl = async (door: Door, visit: Visit, target: string): Promise<void> => {
  const [, key = '', path = '', query = ''] = FUNCTION_URL.exec(target) ?? [];
  if (!door.urls.includes(key)) return sendAnswer(visit.response, ownAnswer(404));
  const event = toEvent(visit.request, {
    target: `/${path}${query}`,
    routeKey: '$default',
    body: visit.body,
    apiId: key,
  });
  if (door.functions.streams(key)) return runStreaming(door, visit, key, event);
  try {
    sendAnswer(visit.response, toAnswer(await door.functions.invoke(key, event)));
  } catch (error) {
    door.report(key, error);
    sendAnswer(visit.response, ownAnswer(502));
  }
};

const visitRoute = async (door: Door, visit: Visit, match: Match): Promise<void> => {
  const { route, routeKey, pathParameters } = match;
  const event = toEvent(visit.request, {
    target: visit.request.url ?? '/',
    routeKey,
    body: visit.body,
    apiId: 'local',
    ...(Object.keys(pathParameters).length > 0 ? { pathParameters } : {}),
  });
  try {
    const work = door.functions.invoke(route.functionKey, event);
    const answer = toAnswer(await withTimeout(work, door.integrationTimeout));
    const inner = redirection(door, answer);
    if (inner) await visitUrl(door, visit, inner);
    else sendAnswer(visit.response, answer);
  } catch (error) {
    door.report(route.functionKey, error);
    sendAnswer(visit.response, ownAnswer(isTimeout(error) ? 503 : 500));
  }
};

const findMatch = (door: Door, request: IncomingMessage): Match | undefined => {
  const [path = '/'] = (request.url ?? '/').split('?');
  return door.match(request.method ?? 'GET', path);
};

const visitDoor = async (door: Door, request: IncomingMessage, response: ServerResponse) => {
  const body = await readBody(request, MAX_REQUEST_BYTES);
  const visit = { request, response, body };
  if (request.url?.startsWith(FUNCTION_URLS)) return visitUrl(door, visit, request.url);
  const match = findMatch(door, request);
  if (match) return visitRoute(door, visit, match);
  sendAnswer(response, ownAnswer(404));
};

/** For failures before any function was called. */
const statusOf = (error: unknown): number => {
  if (error instanceof BodyTooLarge) return 413;
  return error instanceof URIError ? 400 : 500;
};

export interface Gateway {
  port: number;
  url: string;
  /** The base URL of a function that has one. */
  functionUrl(key: string): string;
  /** Begins to serve; until then every request gets 503. */
  open(served: Served): void;
  stop(): Promise<void>;
}

/**
 * Listens at once, so that URLs are known before the functions are loaded.
 * @param options.port 0 for a free one
 * @throws the system's EADDRINUSE or EACCES
 */
export const startGateway = async (options: {
  port?: number;
  report: Report;
  /** Milliseconds; 30,000 as on AWS. */
  integrationTimeout?: number;
}): Promise<Gateway> => {
  const { port = 0, report, integrationTimeout = INTEGRATION_TIMEOUT } = options;
  let door: Door | undefined;
  const server = await listenOnLoopback((request, response) => {
    if (!door) return sendAnswer(response, ownAnswer(503));
    visitDoor(door, request, response).catch((error) => {
      sendAnswer(response, ownAnswer(statusOf(error)));
    });
  }, port);
  const { url } = server;
  return {
    port: server.port,
    url,
    functionUrl: (key) => `${url}${FUNCTION_URLS}${key}/`,
    open(served) {
      door = { ...served, url, match: routeTable(served.routes), report, integrationTimeout };
    },
    stop: () => server.close(),
  };
};
