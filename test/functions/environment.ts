/** What handlers find around them: an environment, a table, and the runtime of Lambda as far as they see it. */
import { PassThrough } from 'node:stream';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import { closeRuntime, systemClock } from '../../lib/runtime.ts';
import { openTable, type TestTable } from '../support/table.ts';

export const FEED_URL = 'https://feed.example/';

/** Opens a table and makes it the one that handlers use. */
export const openEnvironment = async (change: Record<string, string> = {}): Promise<TestTable> => {
  const table = await openTable(systemClock);
  Object.assign(process.env, {
    ...{ TABLE_NAME: table.name, CLOUDS_FILE: '/nowhere/clouds.yaml', FEED_URL },
    ...{ SOURCE_CLOUD: 'source', DESTINATION_CLOUD: 'destination', RESET_ENABLED: 'false' },
    ...{ MIGRATE_TENANT_MACHINE: 'arn:m', EVACUATE_HOST_MACHINE: 'arn:e' },
    REASSIGN_HOST_MACHINE: 'arn:r',
    ...{ TICKET_KEY: 'the key of this test' },
    ...change,
  });
  closeRuntime();
  return table;
};

export interface Request {
  method?: string;
  path?: string;
  parameters?: Record<string, string>;
  query?: Record<string, string>;
  /** With lower-case names, as API Gateway hands them over. */
  headers?: Record<string, string>;
  body?: string;
  isBase64Encoded?: boolean;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export const httpEvent = ({
  method = 'GET',
  path = '/',
  parameters,
  query,
  headers = {},
  body,
  isBase64Encoded = false,
}: Request): APIGatewayProxyEventV2 =>
  ({
    ...{ version: '2.0', routeKey: `${method} ${path}`, rawPath: path, headers, isBase64Encoded },
    rawQueryString: new URLSearchParams(query).toString(),
    requestContext: { requestId: 'request-1', http: { method, path } },
    ...(parameters && { pathParameters: parameters }),
    ...(query && { queryStringParameters: query }),
    ...(body !== undefined && { body }),
  }) as unknown as APIGatewayProxyEventV2;

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** Calls a buffered handler as API Gateway does. */
export const call = async (handler: unknown, request: Request = {}) => {
  const answer = await (handler as Handler)(httpEvent(request), {} as Context);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers ?? {})) headers[name] = String(value);
  const text = answer.isBase64Encoded ? '' : (answer.body ?? '');
  const isJson = /json/.test(headers['content-type'] ?? '');
  return { ...answer, headers, json: isJson && text ? JSON.parse(text) : undefined };
};

/** The stream that Lambda gives to a streaming handler, with what was said of it. */
export class ResponseStream extends PassThrough {
  statusCode?: number;
  headers?: Record<string, string>;
}

/** Sets the global of Lambda's runtime, before a streaming handler is loaded. */
export const installAwslambda = () => {
  const HttpResponseStream = {
    from: (stream: ResponseStream, metadata: object) => Object.assign(stream, metadata),
  };
  const streamifyResponse = (handler: unknown) => handler;
  Object.assign(globalThis, { awslambda: { streamifyResponse, HttpResponseStream } });
};

type StreamHandler = (event: APIGatewayProxyEventV2, stream: ResponseStream) => Promise<void>;

/** Calls a streaming handler; the reader reads the stream, or destroys it to hang up. */
export const callStreaming = (handler: unknown, request: Request) => {
  const stream = new ResponseStream();
  const done = (handler as StreamHandler)(httpEvent(request), stream);
  return { stream, done };
};
