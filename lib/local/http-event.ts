/**
 * An HTTP request as API Gateway (HTTP API) and Lambda function URLs hand it to a function.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

export interface EventSource {
  /** Path and query as the function is to see them. */
  target: string;
  routeKey: string;
  pathParameters?: Record<string, string>;
  body: Buffer;
  apiId: string;
}

const TEXT = /^(?:text\/|application\/(?:.*\+)?(?:json|xml|javascript|x-www-form-urlencoded)\b)/;

const bodyFields = (body: Buffer, contentType: string | undefined) => {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = TEXT.test(contentType ?? '');
  return { body: body.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText };
};

/** Lower-case names, repeated ones joined by commas; cookies stand apart. */
const headerFields = (request: IncomingMessage) => {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.headersDistinct))
    if (name !== 'cookie') headers[name] = (values ?? []).join(',');
  const cookies = request.headers.cookie?.split(/; */).filter(Boolean);
  return { headers, ...(cookies ? { cookies } : {}) };
};

const queryFields = (search: string) => {
  const rawQueryString = search.replace(/^\?/, '');
  const joined: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString))
    joined[name] = name in joined ? `${joined[name]},${value}` : value;
  const some = Object.keys(joined).length > 0;
  return { rawQueryString, ...(some ? { queryStringParameters: joined } : {}) };
};

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `12/Mar/2026:19:03:58 +0000`. */
const commonLogTime = (date: Date): string => {
  const [day = '', time = ''] = date.toISOString().split('T');
  const [year, month, dayOfMonth] = day.split('-');
  return `${dayOfMonth}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
};

const requestContext = (request: IncomingMessage, path: string, source: EventSource) => {
  const now = new Date();
  const host = request.headers.host ?? '';
  return {
    accountId: '000000000000',
    apiId: source.apiId,
    domainName: host,
    domainPrefix: host.split('.')[0] ?? '',
    http: {
      method: request.method ?? 'GET',
      path,
      protocol: `HTTP/${request.httpVersion}`,
      sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
      userAgent: request.headers['user-agent'] ?? '',
    },
    requestId: randomUUID(),
    routeKey: source.routeKey,
    stage: '$default',
    time: commonLogTime(now),
    timeEpoch: now.getTime(),
  };
};

/** The event, payload format 2.0. */
export const toEvent = (request: IncomingMessage, source: EventSource): APIGatewayProxyEventV2 => {
  const [rawPath = '/', query = ''] = source.target.split(/\?(.*)/s);
  return {
    version: '2.0',
    routeKey: source.routeKey,
    rawPath,
    ...queryFields(query),
    ...headerFields(request),
    requestContext: requestContext(request, rawPath, source),
    ...(source.pathParameters ? { pathParameters: source.pathParameters } : {}),
    ...bodyFields(source.body, request.headers['content-type']),
  };
};
