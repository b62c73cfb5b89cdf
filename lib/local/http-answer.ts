/** A function's result as API Gateway (HTTP API) turns it into an HTTP answer. */
import type { ServerResponse } from 'node:http';

/** The largest result of a function that is not streamed, bytes. */
export const MAX_RESULT_BYTES = 6 * 1024 * 1024;

/** What API Gateway itself answers when something is wrong. */
export const MESSAGES: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  413: 'Request Entity Too Large',
  500: 'Internal Server Error',
  502: 'Internal Server Error',
  503: 'Service Unavailable',
};

export interface Answer {
  status: number;
  headers: Record<string, string>;
  cookies?: string[];
  body: Buffer;
}

/** The gateway's own answer for a status. */
export const ownAnswer = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ message: MESSAGES[status] })),
});

/** A result that API Gateway cannot turn into an answer. */
export class BadResult extends Error {
  override readonly name = 'BadResult';
}

interface Structured {
  statusCode: unknown;
  headers?: Record<string, unknown>;
  cookies?: string[];
  body?: unknown;
  isBase64Encoded?: boolean;
}

const isStructured = (result: unknown): result is Structured =>
  typeof result === 'object' && result !== null && 'statusCode' in result;

const bodyOf = ({ body, isBase64Encoded }: Structured): Buffer => {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body !== 'string') throw new BadResult('the body of the result is not a string');
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
};

const structuredAnswer = (result: Structured): Answer => {
  const status = Number(result.statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599)
    throw new BadResult(`statusCode ${String(result.statusCode)} is not a status`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(result.headers ?? {}))
    headers[name.toLowerCase()] = String(value);
  const body = bodyOf(result);
  if (body.length > 0) headers['content-type'] ??= 'text/plain;charset=utf-8';
  return { status, headers, body, ...(result.cookies ? { cookies: result.cookies } : {}) };
};

/**
 * Turns a result into an answer; one without `statusCode` is taken as a JSON body.
 * @throws BadResult above 6 MB, or when status or body are not what they must be
 */
export const toAnswer = (result: unknown): Answer => {
  const size = Buffer.byteLength(JSON.stringify(result ?? null));
  if (size > MAX_RESULT_BYTES)
    throw new BadResult(`the result has ${size} bytes, more than ${MAX_RESULT_BYTES}`);
  if (isStructured(result)) return structuredAnswer(result);
  const body = Buffer.from(typeof result === 'string' ? result : JSON.stringify(result ?? null));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
};

const BODILESS = new Set([204, 304]);

/** Sends an answer; nothing when the client has gone. */
export const sendAnswer = (response: ServerResponse, answer: Answer): void => {
  if (response.destroyed || response.headersSent) return;
  const { status, headers, cookies, body } = answer;
  const length = BODILESS.has(status) ? {} : { 'content-length': String(body.length) };
  const setCookie = cookies ? { 'set-cookie': cookies } : {};
  response.writeHead(status, { ...headers, ...length, ...setCookie });
  response.end(BODILESS.has(status) ? undefined : body);
};
