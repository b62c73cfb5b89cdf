/**
 * The only place where a status, or a connection that failed, becomes an error name.
 *
 * | What came back | Name |
 * |---|---|
 * | no connection, a cut one, a timeout, 408, 429, 5xx | CloudUnavailable |
 * | 401 that a fresh token does not mend | CredentialsRefused |
 * | 403 that speaks of a quota, 413, Neutron's 409 OverQuota | QuotaExceeded |
 * | other 403 | Forbidden |
 * | 404, 410 | ResourceNotFound |
 * | 409 that passes once a task is over | CloudBusy |
 * | other 409 | ResourceConflict |
 * | other 4xx, redirects, 501, 505 | RequestRefused |
 *
 * 500 is CloudUnavailable: Nova, Neutron and Cinder answer it when their bus or database did not
 * answer in time (`MessagingTimeout`, `DBConnectionError`), which passes. The request may have been
 * carried out, so nothing here sends it again: the step does, after it has read back.
 */
import { type CallDetails, type ErrorName, PumphouseError } from '../domain/errors.ts';

/** As much of an answer as failures are made of. */
export interface FailedAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A call, as failures tell of it. */
export interface Described {
  cloud: string;
  service: string;
  method: string;
  /** Path and query, without the host. */
  path: string;
}

interface Rule {
  status: number;
  text?: RegExp;
  name: ErrorName;
}

/** First match wins. The patterns are of the messages of the services named behind them. */
const RULES: readonly Rule[] = [
  { status: 401, name: 'CredentialsRefused' },
  {
    status: 403,
    text: /quota|maximum number of .* exceeded|limit exceeded/i,
    name: 'QuotaExceeded',
  },
  { status: 403, name: 'Forbidden' },
  { status: 404, name: 'ResourceNotFound' },
  { status: 408, name: 'CloudUnavailable' },
  { status: 409, text: /\bOverQuota\b|quota exceeded/i, name: 'QuotaExceeded' }, // neutron
  { status: 409, text: /while it is in task_state/i, name: 'CloudBusy' }, // nova InstanceInvalidState
  { status: 409, text: /while it is in vm_state building/i, name: 'CloudBusy' },
  { status: 409, text: /instance \S+ is not ready/i, name: 'CloudBusy' }, // nova InstanceNotReady
  { status: 409, text: /\bStateInvalid\b/, name: 'CloudBusy' }, // neutron
  { status: 409, text: /is locked by host/i, name: 'CloudBusy' }, // ironic NodeLocked
  { status: 409, text: /is immutable and cannot be updated/i, name: 'CloudBusy' }, // octavia
  { status: 409, text: /placement\.concurrent_update/, name: 'CloudBusy' }, // read the generation again
  { status: 409, name: 'ResourceConflict' },
  { status: 410, name: 'ResourceNotFound' },
  { status: 413, name: 'QuotaExceeded' }, // cinder, glance
  { status: 429, name: 'CloudUnavailable' },
  { status: 501, name: 'RequestRefused' },
  { status: 505, name: 'RequestRefused' },
];

const nameOf = (status: number, text: string): ErrorName =>
  RULES.find((rule) => rule.status === status && (rule.text?.test(text) ?? true))?.name ??
  (status >= 500 ? 'CloudUnavailable' : 'RequestRefused');

/** Where the services put their message, in the order in which it is looked for. */
const MESSAGE_KEYS = ['message', 'detail', 'faultstring', 'error_message', 'title', 'description'];

/** Nova says `{conflictingRequest: {message}}`, Placement `{errors: [{detail}]}`, Ironic JSON in a string. */
const messageIn = (value: unknown, depth = 0): string | undefined => {
  if (depth > 4 || value === null || value === undefined) return undefined;
  if (typeof value === 'string') {
    if (!value.trimStart().startsWith('{')) return value || undefined;
    return messageIn(parsed(value), depth + 1) ?? value;
  }
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return messageIn(value[0], depth + 1);
  const fields = value as Record<string, unknown>;
  for (const key of MESSAGE_KEYS) {
    const found = messageIn(fields[key], depth + 1);
    if (found !== undefined) return found;
  }
  for (const inner of Object.values(fields))
    if (typeof inner === 'object') {
      const found = messageIn(inner, depth + 1);
      if (found !== undefined) return found;
    }
  return undefined;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Proxies answer failures as HTML, and Glance leaves its tags in the JSON. */
const plain = (html: string): string =>
  html.replace(/<(title|style|script)\b.*?<\/\1>/gis, ' ').replace(/<\/?\w+[^<>]*>/g, ' ');

const LONGEST = 500;

/** The cloud's own words, on one line. */
export const cloudText = (text: string): string => {
  const json = parsed(text);
  const words = plain(json === undefined ? text : (messageIn(json) ?? text))
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\.$/, '');
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}...` : words;
};

const header = (answer: FailedAnswer, name: string): string | undefined => {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** The id that the services log under; Ironic spells it without `x-`. */
const requestIdOf = (answer: FailedAnswer): string | undefined =>
  header(answer, 'x-openstack-request-id') ??
  header(answer, 'openstack-request-id') ??
  header(answer, 'x-compute-request-id');

const details = (call: Described): CallDetails => ({
  cloud: call.cloud,
  method: call.method,
  path: call.path,
});

/** What an answer of 300 or above means, as one sentence with the cloud's own text. */
export const failureOfAnswer = (call: Described, answer: FailedAnswer): PumphouseError => {
  const requestId = requestIdOf(answer);
  const location = header(answer, 'location');
  const said =
    answer.status < 400 && location !== undefined
      ? `moved to ${location}`
      : cloudText(answer.text) || 'no explanation';
  const path = call.path.split('?')[0];
  return new PumphouseError(
    nameOf(answer.status, answer.text),
    `${call.cloud} ${call.service} answered ${answer.status} to ${call.method} ${path}: ${said}`,
    {
      call: {
        ...details(call),
        status: answer.status,
        ...(requestId === undefined ? {} : { requestId }),
      },
    },
  );
};

/** Codes of a connection that never came about: nothing was sent. */
const NEVER_CONNECTED: Record<string, string> = {
  ECONNREFUSED: 'refuses connections',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that does not resolve now',
  EHOSTUNREACH: 'is not reachable',
  ENETUNREACH: 'is not reachable',
  UND_ERR_CONNECT_TIMEOUT: 'does not accept a connection in time',
};

const CUT: Record<string, string> = {
  ECONNRESET: 'cut the connection',
  EPIPE: 'cut the connection',
  UND_ERR_SOCKET: 'cut the connection',
  ETIMEDOUT: 'did not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'stopped in the middle of its answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ended its answer early',
};

const codeOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return name === 'TimeoutError' ? 'ETIMEDOUT' : '';
};

/** True when the request surely did not reach the cloud, so that any request may be sent again. */
export const wasNeverSent = (error: unknown): boolean => codeOf(error) in NEVER_CONNECTED;

/** True when the connection broke under way: the cloud may or may not have acted. */
export const wasCut = (error: unknown): boolean =>
  ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error));

const CERTIFICATE = /CERT|SIGNATURE|SELF_SIGNED|ALTNAME|SSL|TLS/;

/** What a connection's failure means: always CloudUnavailable, with a reason for the operator. */
export const failureOfConnection = (
  call: Described & { origin: string },
  error: unknown,
): PumphouseError => {
  if (error instanceof PumphouseError) return error;
  const code = codeOf(error);
  const reason =
    NEVER_CONNECTED[code] ??
    CUT[code] ??
    (CERTIFICATE.test(code)
      ? `offers a certificate that is not trusted (${code}; see cacert and verify in clouds.yaml)`
      : `failed: ${error instanceof Error ? error.message : String(error)}`);
  const path = call.path.split('?')[0];
  return new PumphouseError(
    'CloudUnavailable',
    `${call.cloud} ${call.service} at ${call.origin} ${reason} (${call.method} ${path})`,
    { call: details(call), cause: error },
  );
};
