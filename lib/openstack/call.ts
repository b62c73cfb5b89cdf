/** One call in one scope: token, endpoint, microversion, and a fresh token when this one is refused. */
import { PumphouseError } from '../domain/errors.ts';
import type { CallOptions, Query, ServiceName } from '../ports.ts';
import { endpointOf } from './catalog.ts';
import type { CloudConfig } from './cloud-config.ts';
import { failureOfAnswer } from './failure.ts';
import {
  hasMicroversions,
  microversionHeader,
  negotiate,
  rangeIn,
  versionUrl,
} from './microversions.ts';
import {
  type Answer,
  describe,
  type Method,
  type OutgoingRequest,
  send,
  type Wire,
} from './request.ts';
import type { Session, Token } from './session.ts';

/** What all scopes of a cloud share. */
export interface Connection {
  config: CloudConfig;
  wire: Wire;
  /** By project; the configuration's own under the empty name. */
  sessions: Map<string, Session>;
  versions: Map<ServiceName, Promise<string>>;
}

export interface Scope {
  connection: Connection;
  session: Session;
}

/** What is called, before it is known with which token and where. */
export interface Target {
  service: ServiceName;
  method: Method;
  path: string;
  options?: CallOptions;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds since the epoch. */
  endsAt: number;
}

const AGENT = 'pumphouse';

const queryString = (query: Query = {}): string => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  return params.toString();
};

/**
 * The URL that a service's paths follow.
 *
 * Errors: RequestRefused when the cloud does not offer the service.
 */
const endpoint = ({ connection }: Scope, token: Token, service: ServiceName): string => {
  const { config, wire } = connection;
  const found = endpointOf(config, token.catalog, service);
  if (found !== undefined) return found;
  const where = `region ${config.regionName ?? '(any)'}, interface ${config.interface}`;
  throw new PumphouseError(
    'RequestRefused',
    `${wire.cloud} offers no ${service} service (${where})`,
    { call: { cloud: wire.cloud } },
  );
};

const request = (
  target: Target,
  token: Token,
  url: URL,
  version: string | undefined,
): OutgoingRequest => ({
  service: target.service,
  method: target.method,
  url,
  headers: {
    accept: 'application/json',
    'user-agent': AGENT,
    'x-auth-token': token.value,
    ...microversionHeader(target.service, version),
    ...target.headers,
  },
  ...(target.body === undefined ? {} : { body: target.body }),
  endsAt: target.endsAt,
});

/** Calls with the token in hand; when it is refused, once more with a fresh one. */
const withToken = async <A extends Pick<Answer, 'status'>>(
  { session }: Scope,
  endsAt: number,
  perform: (token: Token) => Promise<A>,
): Promise<A> => {
  const token = await session.token(endsAt);
  const answer = await perform(token);
  if (answer.status !== 401) return answer;
  return perform(await session.renewed(token, endsAt));
};

/** Asked without a microversion, once per service for all scopes. */
const askVersion = async (scope: Scope, service: ServiceName, endsAt: number): Promise<string> => {
  const { wire } = scope.connection;
  const target: Target = { service, method: 'GET', path: '', endsAt };
  const asked = (token: Token) =>
    request(target, token, versionUrl(endpoint(scope, token, service)), undefined);
  let last: OutgoingRequest | undefined;
  const answer = await withToken(scope, endsAt, (token) => {
    last = asked(token);
    return send(wire, last);
  });
  if (answer.status >= 400 && last !== undefined)
    throw failureOfAnswer(describe(wire, last), answer);
  let document: unknown;
  try {
    document = JSON.parse(answer.text);
  } catch {
    document = undefined;
  }
  return negotiate(wire.cloud, service, rangeIn(document));
};

/** The microversion to ask for; a failed question is asked again by the next call. */
const versionFor = (scope: Scope, target: Target): Promise<string> | string | undefined => {
  const { service, options, endsAt } = target;
  if (options?.microversion !== undefined) return options.microversion;
  if (!hasMicroversions(service)) return undefined;
  const { versions } = scope.connection;
  const known = versions.get(service);
  if (known !== undefined) return known;
  const asked = askVersion(scope, service, endsAt);
  versions.set(service, asked);
  asked.catch(() => versions.delete(service));
  return asked;
};

/**
 * Makes one call, by whatever `perform` does with the finished request, and throws what the status
 * means. A second 401 is CredentialsRefused.
 *
 * Errors: all of failure.ts.
 */
export const call = async <A extends Answer>(
  scope: Scope,
  target: Target,
  perform: (request: OutgoingRequest) => Promise<A>,
): Promise<A> => {
  const version = await versionFor(scope, target);
  const query = queryString(target.options?.query);
  let made: OutgoingRequest | undefined;
  const answer = await withToken(scope, target.endsAt, (token) => {
    const url = new URL(endpoint(scope, token, target.service) + target.path);
    if (query !== '') url.search = url.search === '' ? query : `${url.search}&${query}`;
    made = request(target, token, url, version);
    return perform(made);
  });
  if (answer.status >= 300 && made !== undefined)
    throw failureOfAnswer(describe(scope.connection.wire, made), answer);
  return answer;
};

/** A call whose answer is read whole, repeated as request.ts says. */
export const callAndRead = (scope: Scope, target: Target): Promise<Answer> =>
  call(scope, target, (made) => send(scope.connection.wire, made));
