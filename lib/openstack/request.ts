/** One request to one cloud: its deadline, and when it may be sent again. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '../ports.ts';
import { type Described, failureOfConnection, wasCut, wasNeverSent } from './failure.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What every request to a cloud is made with. */
export interface Wire {
  /** For messages. */
  cloud: string;
  agent: Dispatcher;
  clock: Clock;
  /** From 0 up to 1. */
  random: () => number;
}

export interface OutgoingRequest {
  service: string;
  method: Method;
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Milliseconds since the epoch: the request and its repetitions are given up then. */
  endsAt: number;
  /** Overrides what the method says about sending again after a doubtful outcome. */
  repeatable?: boolean;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** What was tried, and either the answer or the connection's failure. */
export type Outcome<A> = { answer: A } | { error: unknown };

const ATTEMPTS = 5;
/** Milliseconds; doubled each time, then up to the same again at random. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8_000;

const PASSING: readonly number[] = [429, 502, 503, 504];

/**
 * Methods whose repetition changes nothing. Not all PUTs: a repeated change of power or provision
 * state may meet a node that has moved on.
 */
const isRepeatable = ({ method, url, repeatable }: OutgoingRequest): boolean =>
  repeatable ??
  (method === 'GET' ||
    method === 'HEAD' ||
    method === 'DELETE' ||
    (method === 'PUT' && !/\/states\/\w+$/.test(url.pathname)));

/** Milliseconds that a `Retry-After` (seconds, or a date) asks for. */
export const retryAfter = (headers: IncomingHttpHeaders, now: Date): number | undefined => {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
};

const mayRepeat = (request: OutgoingRequest, outcome: Outcome<Headed>, asked?: number): boolean => {
  if ('error' in outcome)
    return wasNeverSent(outcome.error) || (isRepeatable(request) && wasCut(outcome.error));
  const { status } = outcome.answer;
  if (isRepeatable(request)) return PASSING.includes(status);
  return (status === 429 || status === 503) && asked !== undefined;
};

type Headed = Pick<Answer, 'status' | 'headers'>;

export const describe = (wire: Wire, request: OutgoingRequest): Described & { origin: string } => ({
  cloud: wire.cloud,
  service: request.service,
  method: request.method,
  path: request.url.pathname + request.url.search,
  origin: request.url.origin,
});

/**
 * Tries until there is an answer worth having, or the deadline. GET, HEAD, DELETE and PUT are tried
 * again after 429, 502, 503, 504 and a cut connection; POST and PATCH only after 429 or 503 with
 * `Retry-After`; all after a connection that was never made. Exponential backoff with jitter, or
 * `Retry-After`. Any status is an answer: see failure.ts.
 *
 * Errors: CloudUnavailable when there is no answer at all.
 */
export const repeated = async <A extends Headed>(
  wire: Wire,
  request: OutgoingRequest,
  once: (milliseconds: number) => Promise<A>,
): Promise<A> => {
  for (let attempt = 1; ; attempt += 1) {
    const left = Math.max(1, request.endsAt - wire.clock.now().getTime());
    const outcome: Outcome<A> = await once(left).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    const now = wire.clock.now();
    const asked = 'answer' in outcome ? retryAfter(outcome.answer.headers, now) : undefined;
    const backoff = Math.min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE);
    const pause = Math.max(asked ?? 0, backoff * (1 + wire.random()));
    const over = attempt === ATTEMPTS || now.getTime() + pause >= request.endsAt;
    if (over || !mayRepeat(request, outcome, asked)) {
      if ('answer' in outcome) return outcome.answer;
      throw failureOfConnection(describe(wire, request), outcome.error);
    }
    await wire.clock.sleep(pause);
  }
};

/**
 * Sends a request and reads the whole answer, as `repeated` says.
 *
 * Errors: CloudUnavailable.
 */
export const send = (wire: Wire, request: OutgoingRequest): Promise<Answer> =>
  repeated(wire, request, async (milliseconds) => {
    const { statusCode, headers, body } = await wire.agent.request({
      origin: request.url.origin,
      path: request.url.pathname + request.url.search,
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
      signal: AbortSignal.timeout(milliseconds),
    });
    return { status: statusCode, headers, text: await body.text() };
  });
