/**
 * Fuel's REST API, as far as a host's change of environment goes.
 * Source: https://github.com/openstack/fuel-web before its retirement, nailgun/nailgun/api/v1.
 */
import { PumphouseError } from '../domain/errors.ts';
import { type Fields, requiredAt, textAt } from './settings.ts';

/** Milliseconds that an answer may take. */
const PATIENCE = 60_000;

/** A node of `GET nodes/`. */
export interface FuelNode {
  id: number;
  name: string;
  hostname: string;
  fqdn: string;
  mac: string;
  /** `discover`, `provisioning`, `provisioned`, `deploying`, `ready`, `removing`, `error`, `stopped`. */
  status: string;
  /** Percent of what it is in. */
  progress: number;
  online: boolean;
  cluster: number | null;
  roles: string[];
  pending_roles: string[];
  pending_addition: boolean;
  pending_deletion: boolean;
  meta: { interfaces?: { mac: string }[] };
}

export interface FuelTask {
  id: number;
  cluster: number | null;
  /** `deploy` is what changes to an environment run as. */
  name: string;
  status: 'pending' | 'running' | 'ready' | 'error';
  progress: number;
  message: string | null;
  parent_id: number | null;
}

export interface FuelDisk {
  id: string;
  name: string;
  /** MB. */
  size: number;
  volumes: { name: string; size: number }[];
}

export interface FuelInterface {
  id: number;
  name: string;
  type: string;
  assigned_networks: { id: number; name: string }[];
}

export interface Nailgun {
  get<T>(path: string): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
}

const unavailable = (cause: unknown) =>
  new PumphouseError('CloudUnavailable', 'Fuel does not answer', { cause });

/** 400 and 409 say why in `message`; 409 is a deployment that runs already. */
const failureOf = async (method: string, path: string, answer: Response) => {
  const text = await answer.text().catch(() => '');
  const said = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 300);
  const message = `Fuel answered ${answer.status} to ${method} ${path}: ${said}`;
  if (answer.status >= 500) return new PumphouseError('CloudUnavailable', message);
  if (answer.status === 404) return new PumphouseError('ResourceNotFound', message);
  if (answer.status === 409) return new PumphouseError('CloudBusy', message);
  if (answer.status === 401) return new PumphouseError('CredentialsRefused', message);
  return new PumphouseError('RequestRefused', message);
};

const send = async (url: string, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    throw unavailable(error);
  }
};

/** @param settings `pumphouse.fuel` of the destination: url, username, password, tenant */
export const nailgun = (settings: Fields): Nailgun => {
  const root = () => requiredAt(settings, 'url', 'fuel.url').replace(/\/+$/, '');
  let token: Promise<string> | undefined;

  const authenticate = async (): Promise<string> => {
    const auth = {
      tenantName: textAt(settings, 'tenant', 'fuel.tenant') ?? 'admin',
      passwordCredentials: {
        username: requiredAt(settings, 'username', 'fuel.username'),
        password: requiredAt(settings, 'password', 'fuel.password'),
      },
    };
    const answer = await send(`${root()}/keystone/v2.0/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    });
    if (!answer.ok) throw await failureOf('POST', 'tokens', answer);
    return ((await answer.json()) as { access: { token: { id: string } } }).access.token.id;
  };

  const call = async <T>(
    method: string,
    path: string,
    body?: unknown,
    again = true,
  ): Promise<T> => {
    token ??= authenticate();
    const given = await token.catch((error: unknown) => {
      token = undefined;
      throw error;
    });
    const answer = await send(`${root()}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': given },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (answer.status === 401 && again) {
      token = undefined;
      return call(method, path, body, false);
    }
    if (!answer.ok) throw await failureOf(method, path, answer);
    const text = await answer.text();
    return (text ? JSON.parse(text) : undefined) as T;
  };

  return {
    get: (path) => call('GET', path),
    put: (path, body) => call('PUT', path, body),
    post: (path, body) => call('POST', path, body),
  };
};
