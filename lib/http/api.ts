/** What every buffered handler is wrapped in: reading the request, answering problems, the log. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import middy from 'middy';
import { isError, PumphouseError } from '../domain/errors.ts';
import { errorFields, log } from '../log.ts';
import { problem } from './problem.ts';

export type Answer = APIGatewayProxyStructuredResultV2;

/** A request as handlers see it. */
export interface Call {
  headers: Readonly<Record<string, string | undefined>>;
  query: Readonly<Record<string, string | undefined>>;
  /** A parameter of the path, decoded. */
  parameter(name: string): string;
  /** The parsed JSON body; `undefined` when there is none. */
  body?: unknown;
  idempotencyKey?: string;
}

const invalid = (field: string, message: string) =>
  new PumphouseError('InvalidRequest', message, { details: { field } });

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const parseBody = ({ body, isBase64Encoded }: APIGatewayProxyEventV2): unknown => {
  const text = isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString() : (body ?? '');
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw invalid('body', `The body is not JSON: ${reason}`);
  }
};

/** Stripe's habit, now an IETF draft: printable ASCII, at most 255 characters. */
const readIdempotencyKey = (headers: Call['headers']) => {
  const key = headers['idempotency-key'];
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw invalid('idempotency-key', 'Idempotency-Key takes 1 to 255 printable ASCII characters');
};

/**
 * The request as handlers see it.
 * @throws InvalidRequest naming the field
 */
export const readCall = (event: APIGatewayProxyEventV2): Call => {
  const body = parseBody(event);
  const idempotencyKey = readIdempotencyKey(event.headers);
  return {
    headers: event.headers,
    query: event.queryStringParameters ?? {},
    parameter: (name) => decoded(event.pathParameters?.[name] ?? ''),
    ...(body !== undefined && { body }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
};

const requestFields = (event: APIGatewayProxyEventV2) => ({
  request: { route: event.routeKey, path: event.rawPath, id: event.requestContext.requestId },
});

/** Answers a failure as a problem, and logs what is not the caller's doing. */
export const answerProblem = (event: APIGatewayProxyEventV2, error: unknown): Answer => {
  const answer = problem(error, event.rawPath);
  const fields = { ...requestFields(event), status: answer.statusCode, ...errorFields(error) };
  if (isError(error)) log.info('refused', fields);
  else log.error('failed', fields);
  return answer;
};

const problems = (): middy.MiddlewareObj<APIGatewayProxyEventV2, Answer> => ({
  onError: ({ event, error }) => answerProblem(event, error),
});

/** A handler behind the API: takes a call, answers it, or throws one of our errors. */
export const api = (handle: (call: Call) => Promise<Answer>) =>
  middy<APIGatewayProxyEventV2, Answer>()
    .use(problems())
    .handler(async (event: APIGatewayProxyEventV2) => handle(readCall(event)));

/** 201 for an operation that has begun; its stream is where it is followed. */
export const created = ({
  id,
  answer,
}: {
  id: string;
  answer: Record<string, unknown>;
}): Answer => {
  log.info('accepted', { operation: id });
  return {
    statusCode: 201,
    headers: { 'content-type': 'application/json', location: `/events/${id}` },
    body: JSON.stringify(answer),
  };
};

const json = (statusCode: number, body: object): Answer => ({
  statusCode,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
});

export const ok = (body: object): Answer => json(200, body);

/** 202 for what will be done in its own time. */
export const accepted = (body: object): Answer => json(202, body);

/** 201 for what is planned; its schedule is where it is seen. */
export const planned = ({
  id,
  answer,
}: {
  id: string;
  answer: Record<string, unknown>;
}): Answer => {
  log.info('planned', { schedule: id });
  return {
    statusCode: 201,
    headers: { 'content-type': 'application/json', location: `/schedules/${id}` },
    body: JSON.stringify(answer),
  };
};

/** 307 to the streaming Lambda URL, never to be remembered. */
export const redirect = (location: string): Answer => ({
  statusCode: 307,
  headers: { location, 'cache-control': 'no-store' },
});
