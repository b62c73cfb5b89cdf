/**
 * Speaks to the cloud under contract with plain `fetch`, independent of our own client. `CONTRACT_CLOUDS` names a
 * clouds.yaml and `CONTRACT_CLOUD` an admin entry of it; without them a simulator is started.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, vi } from 'vitest';
import { parse } from 'yaml';
import { startSimulator } from '../../../lib/simulator/simulator.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies of foreign services are read as they come
export type Body = any;

export interface Answer {
  status: number;
  body: Body;
  text: string;
  headers: Headers;
}

export interface CallOptions {
  body?: unknown;
  /** Microversion, e.g. 2.93. */
  version?: string;
  headers?: Record<string, string>;
  bytes?: Uint8Array;
}

export interface Session {
  token: string;
  userId: string;
  projectId: string;
  /** Address of a service from the catalog. */
  url(service: string): string;
  call(method: string, service: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface Login {
  user: string;
  password: string;
  project?: string;
  domain?: string;
}

export interface CloudUnderContract {
  authUrl: string;
  admin: Session;
  /** A user with role member in a project of its own, made for this file and removed after it. */
  member: Session & Login;
  login(login: Login): Promise<Session>;
  close(): Promise<void>;
}

const VERSION_NAMES: Record<string, string> = {
  compute: 'compute',
  volumev3: 'volume',
  placement: 'placement',
};

/** A name that nobody else uses. */
export const unique = (what: string): string =>
  `contract-${what}-${randomBytes(4).toString('hex')}`;

export const passwordAuth = (login: Login) => ({
  identity: {
    methods: ['password'],
    password: {
      user: {
        name: login.user,
        password: login.password,
        domain: { id: login.domain ?? 'default' },
      },
    },
  },
  ...(login.project
    ? { scope: { project: { name: login.project, domain: { id: login.domain ?? 'default' } } } }
    : {}),
});

export async function send(
  method: string,
  url: string,
  token: string | undefined,
  options: CallOptions = {},
  service = '',
): Promise<Answer> {
  const name = VERSION_NAMES[service];
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token ? { 'X-Auth-Token': token } : {}),
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(options.bytes ? { 'Content-Type': 'application/octet-stream' } : {}),
      ...(options.version && name ? { 'OpenStack-API-Version': `${name} ${options.version}` } : {}),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.bytes ? { body: options.bytes as NonNullable<RequestInit['body']> } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: parsed(text), text, headers: response.headers };
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function authenticate(authUrl: string, auth: unknown): Promise<Session> {
  const answer = await send('POST', `${authUrl}/auth/tokens`, undefined, { body: { auth } });
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${answer.text}`);
  const { token } = answer.body;
  const secret = answer.headers.get('x-subject-token') ?? '';
  const url = (service: string): string => {
    const entry = token.catalog.find((one: Body) => one.type === service);
    return entry?.endpoints.find((one: Body) => one.interface === 'public')?.url;
  };
  return {
    token: secret,
    userId: token.user.id,
    projectId: token.project?.id,
    url,
    call: (method, service, path, options) =>
      send(method, `${url(service)}${path}`, secret, options, service),
  };
}

async function place(): Promise<{ authUrl: string; login: Login; close(): Promise<void> }> {
  const file = process.env.CONTRACT_CLOUDS;
  const folder = mkdtempSync(join(tmpdir(), 'contract-'));
  const simulator = file
    ? undefined
    : await startSimulator({ dataDir: folder, pace: 0.1, tenants: 2, servers: 5, imageMib: 1 });
  const yaml = parse(simulator ? simulator.cloudsYaml() : readFileSync(file ?? '', 'utf8'));
  const { auth } = yaml.clouds[process.env.CONTRACT_CLOUD ?? 'source'];
  return {
    authUrl: auth.auth_url,
    login: { user: auth.username, password: auth.password, project: auth.project_name },
    async close() {
      await simulator?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Opens the cloud; every test file has its own project and member in it. */
async function openCloud(): Promise<CloudUnderContract> {
  const { authUrl, login, close } = await place();
  const admin = await authenticate(authUrl, passwordAuth(login));
  const name = unique('tenant');
  const password = randomBytes(12).toString('hex');
  const made = async (path: string, key: string, fields: object): Promise<Body> => {
    const answer = await admin.call('POST', 'identity', path, { body: { [key]: fields } });
    return answer.body[key];
  };
  const project = await made('/projects', 'project', { name, domain_id: 'default' });
  const user = await made('/users', 'user', { name, domain_id: 'default', password });
  const roles = await admin.call('GET', 'identity', '/roles?name=member');
  const role = roles.body.roles[0].id;
  await admin.call('PUT', 'identity', `/projects/${project.id}/users/${user.id}/roles/${role}`);
  const memberLogin = { user: name, password, project: name };
  const member = await authenticate(authUrl, passwordAuth(memberLogin));
  return {
    authUrl,
    admin,
    member: { ...member, ...memberLogin },
    login: (other) => authenticate(authUrl, passwordAuth(other)),
    async close() {
      await removeGroups(admin, project.id);
      await admin.call('DELETE', 'identity', `/users/${user.id}`);
      await admin.call('DELETE', 'identity', `/projects/${project.id}`);
      await close();
    },
  };
}

/** The default group outlives its project in a real Neutron. */
async function removeGroups(admin: Session, projectId: string): Promise<void> {
  const path = `/v2.0/security-groups?project_id=${projectId}`;
  const { body } = await admin.call('GET', 'network', path);
  for (const group of body.security_groups)
    await until(
      () => admin.call('DELETE', 'network', `/v2.0/security-groups/${group.id}`),
      (answer) => answer.status !== 409,
    );
}

/** A real cloud on a busy machine takes its time; these are limits against waiting for ever. */
const isReal = process.env.CONTRACT_CLOUDS !== undefined;
if (isReal) vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const DEADLINE_MS = isReal ? 300_000 : 50_000;
const POLL_MS = isReal ? 500 : 100;

/** Reads again and again until it is as wanted; the last answer is in the error when it never is. */
export async function until<T>(read: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (Date.now() > end) throw new Error(`never came: ${JSON.stringify(value).slice(0, 2000)}`);
    await sleep(POLL_MS);
  }
}

/** Things to take away at the end, the newest first. */
export function leftovers() {
  const list: (() => Promise<unknown>)[] = [];
  return {
    add: (undo: () => Promise<unknown>) => list.unshift(undo),
    async clear() {
      for (const undo of list.splice(0)) await undo();
    },
  };
}

/** The cloud that a file's cases share, and what they leave behind; both are gone after the last. */
export function underContract() {
  const cloud = {} as CloudUnderContract;
  const after = leftovers();
  beforeAll(async () => {
    Object.assign(cloud, await openCloud());
  });
  afterAll(async () => {
    await after.clear();
    await cloud.close();
  });
  return { cloud, after };
}
