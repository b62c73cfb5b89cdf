/** The port of ports.ts over the wire: one OpenStack cloud, spoken to with one scope. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { PumphouseError } from '../domain/errors.ts';
import type { CloudName } from '../domain/world.ts';
import type { ByteStream, CallOptions, Clock, Cloud, ServiceName } from '../ports.ts';
import { openBody, sendBody } from './bodies.ts';
import { type Connection, call, callAndRead, type Scope, type Target } from './call.ts';
import { endpointOf } from './catalog.ts';
import type { CloudConfig } from './cloud-config.ts';
import { connectionPool } from './connection.ts';
import { paged } from './paging.ts';
import { type Answer, type Method, repeated } from './request.ts';
import { session } from './session.ts';

/** Milliseconds until a call is given up, repetitions included. */
const DEADLINE = 60_000;
/** Milliseconds in which a body does not move until it is given up. */
const IDLE = 300_000;

/** For tests, and for whoever shares a pool of connections. */
export interface CloudOptions {
  clock?: Clock;
  /** From 0 up to 1; spreads repetitions. */
  random?: () => number;
  agent?: Dispatcher;
}

const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

const endsAt = ({ wire, config }: Connection, options?: CallOptions): number =>
  wire.clock.now().getTime() + (options?.deadline ?? config.apiTimeout ?? DEADLINE);

const targetOf = (
  { connection }: Scope,
  method: Method,
  service: ServiceName,
  path: string,
  options: CallOptions | undefined,
): Target => ({
  service,
  method,
  path,
  ...(options === undefined ? {} : { options }),
  endsAt: endsAt(connection, options),
});

/** A body that is not JSON where JSON was asked for comes from a proxy, not from the service. */
const parsed = <T>(answer: Answer, { connection }: Scope, target: Target): T => {
  if (answer.text === '') return undefined as T;
  try {
    return JSON.parse(answer.text) as T;
  } catch (cause) {
    const { cloud } = connection.wire;
    throw new PumphouseError(
      'CloudUnavailable',
      `${cloud} ${target.service} answered ${answer.status} to ${target.method} ${target.path} with something that is not JSON`,
      { call: { cloud, method: target.method, path: target.path, status: answer.status }, cause },
    );
  }
};

const ask = async <T>(scope: Scope, target: Target): Promise<T> =>
  parsed<T>(await callAndRead(scope, target), scope, target);

/** Glance takes JSON Patch under a name of its own. */
const contentType = (service: ServiceName, method: Method): string =>
  service === 'image' && method === 'PATCH'
    ? 'application/openstack-images-v2.1-json-patch'
    : 'application/json';

const tell =
  (scope: Scope, method: Method) =>
  <T>(service: ServiceName, path: string, body: unknown, options?: CallOptions): Promise<T> => {
    const target = targetOf(scope, method, service, path, options);
    if (body === undefined) return ask<T>(scope, target);
    const headers = { 'content-type': contentType(service, method) };
    return ask<T>(scope, { ...target, headers, body: JSON.stringify(body) });
  };

const remove = async (scope: Scope, target: Target): Promise<void> => {
  try {
    await callAndRead(scope, target);
  } catch (error) {
    if (!(error instanceof PumphouseError && error.call.status === 404)) throw error;
  }
};

/** Opened with repetitions like any GET; what is not 2xx is read for its message. */
const download = async (
  scope: Scope,
  service: ServiceName,
  path: string,
  options?: CallOptions,
): Promise<ByteStream> => {
  const { wire, config } = scope.connection;
  const { deadline: idle = IDLE, ...others } = options ?? {};
  const target = targetOf(scope, 'GET', service, path, others);
  target.headers = { accept: '*/*' };
  target.endsAt = wire.clock.now().getTime() + (config.apiTimeout ?? DEADLINE);
  const answer = await call(scope, target, (request) =>
    repeated(wire, request, async () => {
      const opened = await openBody(wire, request, idle);
      const text = opened.status >= 300 ? await readText(opened.body) : '';
      return { ...opened, text };
    }),
  );
  const length = answer.headers['content-length'];
  if (length === undefined) return { body: answer.body };
  return { body: answer.body, size: Number(length) };
};

const readText = async (body: Readable): Promise<string> => {
  let text = '';
  for await (const chunk of body) text += String(chunk);
  return text;
};

/** Sent once: a token that is refused here has to be met by sending again, from the beginning. */
const upload = async (
  scope: Scope,
  service: ServiceName,
  path: string,
  bytes: ByteStream,
  options?: CallOptions,
): Promise<void> => {
  const { wire } = scope.connection;
  const { deadline: idle = IDLE, ...others } = options ?? {};
  const target = targetOf(scope, 'PUT', service, path, others);
  target.headers = { 'content-type': 'application/octet-stream' };
  try {
    await call(scope, target, (request) => {
      if (bytes.body.destroyed)
        throw new PumphouseError(
          'CloudUnavailable',
          `${wire.cloud} ${service} refused the token during an upload: send it again`,
          { call: { cloud: wire.cloud, method: 'PUT', path } },
        );
      return sendBody(wire, request, bytes, idle);
    });
  } finally {
    bytes.body.destroy();
  }
};

const notRescoped = ({ config, wire }: Connection): PumphouseError =>
  new PumphouseError(
    'CredentialsRefused',
    `${wire.cloud}: the application credential of cloud "${config.entry}" acts in its own project only; give a user and password to act in others`,
    { call: { cloud: wire.cloud } },
  );

/** The session of a project, made once. */
const scopeOf = (connection: Connection, projectId?: string): Scope => {
  const { sessions, wire, config } = connection;
  const key = projectId ?? '';
  const known = sessions.get(key) ?? session(wire, config, projectId);
  sessions.set(key, known);
  return { connection, session: known };
};

const scopedCloud = (name: CloudName, connection: Connection, projectId?: string): Cloud => {
  const scope = scopeOf(connection, projectId);
  const token = () => scope.session.token(endsAt(connection));
  return {
    name,
    get: (service, path, options) => ask(scope, targetOf(scope, 'GET', service, path, options)),
    list: <T>(service: ServiceName, path: string, key: string, options: CallOptions = {}) =>
      paged<T>(
        (query) => ask(scope, targetOf(scope, 'GET', service, path, { ...options, query })),
        service,
        path,
        key,
        options.query ?? {},
      ),
    post: tell(scope, 'POST'),
    put: tell(scope, 'PUT'),
    patch: tell(scope, 'PATCH'),
    delete: (service, path, options) =>
      remove(scope, targetOf(scope, 'DELETE', service, path, options)),
    download: (service, path, options) => download(scope, service, path, options),
    upload: (service, path, bytes, options) => upload(scope, service, path, bytes, options),
    offers: async (service) =>
      endpointOf(connection.config, (await token()).catalog, service) !== undefined,
    self: async () => {
      const { userId, projectId: project, roles } = await token();
      return { userId, projectId: project, roles: [...roles] };
    },
    scopedTo: (project) => {
      if (connection.config.auth.kind !== 'password') throw notRescoped(connection);
      return scopedCloud(name, connection, project);
    },
  };
};

/**
 * A cloud as configured in `clouds.yaml`. Nothing is sent until the first call, which gets the token.
 * For bodies, the deadline of a call is how long nothing may move, not how long it may take.
 *
 * Errors: InvalidRequest when a certificate file cannot be read.
 */
export const openCloud = (
  config: CloudConfig,
  name: CloudName,
  options: CloudOptions = {},
): Cloud => {
  const { clock = systemClock, random = Math.random } = options;
  const agent = options.agent ?? connectionPool(config);
  const wire = { cloud: name, agent, clock, random };
  return scopedCloud(name, { config, wire, sessions: new Map(), versions: new Map() });
};
