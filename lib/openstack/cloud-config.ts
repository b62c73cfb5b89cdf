/**
 * What must be known to speak to one cloud, checked. Written by hand in `clouds.yaml`, so every
 * complaint names the file, the cloud and the field, and never shows a secret.
 */
import { PumphouseError } from '../domain/errors.ts';
import type { ServiceName } from '../ports.ts';
import { CATALOG_TYPES, SERVICE_NAMES } from './catalog.ts';

/** A domain, project or user: by id, or by name. */
export type Reference = { id: string } | { name: string };

export interface PasswordAuth {
  kind: 'password';
  /** A name needs the user's domain; an id does not. */
  user: { id: string } | { name: string; domain: Reference };
  password: string;
  project: { id: string } | { name: string; domain: Reference };
}

export interface ApplicationCredentialAuth {
  kind: 'application-credential';
  credential: { id: string } | { name: string; user: PasswordAuth['user'] };
  secret: string;
}

export type Interface = 'public' | 'internal' | 'admin';

export interface TlsConfig {
  verify: boolean;
  /** Each a path, or the PEM text itself. */
  cacert?: string;
  cert?: string;
  key?: string;
}

/** One entry of `clouds.yaml`, checked. Holds a secret: never log it. */
export interface CloudConfig {
  /** The entry's name in the file. */
  entry: string;
  /** Ends in `/v3`. */
  authUrl: string;
  auth: PasswordAuth | ApplicationCredentialAuth;
  regionName?: string;
  interface: Interface;
  tls: TlsConfig;
  /** Milliseconds until a call is given up, where the call itself does not say. */
  apiTimeout?: number;
  endpointOverrides: Partial<Record<ServiceName, string>>;
  /** The cloud's own consoles by name, e.g. `horizon`; Pumphouse's addition, shown and never called. */
  urls?: Record<string, string>;
  /** What Pumphouse itself has to know of the cloud, e.g. how its hosts are installed; unchecked here. */
  pumphouse?: Record<string, unknown>;
}

type Fields = Record<string, unknown>;

/** The fields that older files write beside `auth`, or under an older name. */
const OLDER_NAMES: Record<string, string> = {
  tenant_id: 'project_id',
  tenant_name: 'project_name',
  user_name: 'username',
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the fields of one entry; each complaint names where. */
class Entry {
  readonly fields: Fields;
  readonly #origin: string;
  readonly #name: string;

  constructor(origin: string, name: string, fields: Fields) {
    this.#origin = origin;
    this.#name = name;
    this.fields = fields;
  }

  refusal(field: string, complaint: string): PumphouseError {
    return new PumphouseError(
      'InvalidRequest',
      `${this.#origin}: cloud "${this.#name}": ${field} ${complaint}`,
      { details: { file: this.#origin, cloud: this.#name, field } },
    );
  }

  text(field: string): string | undefined {
    const value = this.fields[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'number') return String(value);
    if (typeof value !== 'string') throw this.refusal(field, 'must be text');
    return value;
  }

  required(field: string): string {
    const value = this.text(field);
    if (value === undefined) throw this.refusal(field, 'is missing');
    return value;
  }

  flag(field: string): boolean | undefined {
    const value = this.fields[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'boolean') return value;
    if (/^(true|yes|on|1)$/i.test(String(value))) return true;
    if (/^(false|no|off|0)$/i.test(String(value))) return false;
    throw this.refusal(field, 'must be true or false');
  }
}

const domainOf = (entry: Entry, whose: 'user' | 'project'): Reference => {
  const id = entry.text(`${whose}_domain_id`);
  if (id !== undefined) return { id };
  const name = entry.text(`${whose}_domain_name`);
  if (name !== undefined) return { name };
  const defaultId = entry.text('default_domain_id') ?? entry.text('default_domain');
  if (defaultId !== undefined) return { id: defaultId };
  const defaultName = entry.text('default_domain_name');
  if (defaultName !== undefined) return { name: defaultName };
  throw entry.refusal(`auth.${whose}_domain_name`, `or auth.${whose}_domain_id is missing`);
};

const userOf = (entry: Entry): PasswordAuth['user'] => {
  const id = entry.text('user_id');
  if (id !== undefined) return { id };
  const name = entry.text('username');
  if (name === undefined) throw entry.refusal('auth.username', 'or auth.user_id is missing');
  return { name, domain: domainOf(entry, 'user') };
};

const projectOf = (entry: Entry): PasswordAuth['project'] => {
  const id = entry.text('project_id');
  if (id !== undefined) return { id };
  const name = entry.text('project_name');
  if (name !== undefined) return { name, domain: domainOf(entry, 'project') };
  for (const other of ['system_scope', 'domain_id', 'domain_name', 'trust_id']) {
    if (entry.text(other) !== undefined)
      throw entry.refusal(`auth.${other}`, 'is not supported: name a project instead');
  }
  throw entry.refusal(
    'auth.project_name',
    'or auth.project_id is missing: a token without a project can do nothing here',
  );
};

const passwordAuth = (entry: Entry): PasswordAuth => ({
  kind: 'password',
  user: userOf(entry),
  password: entry.required('password'),
  project: projectOf(entry),
});

const applicationCredential = (entry: Entry): ApplicationCredentialAuth => {
  const id = entry.text('application_credential_id');
  const name = entry.text('application_credential_name');
  if (id === undefined && name === undefined)
    throw entry.refusal(
      'auth.application_credential_id',
      'or auth.application_credential_name is missing',
    );
  return {
    kind: 'application-credential',
    credential: id === undefined ? { name: name ?? '', user: userOf(entry) } : { id },
    secret: entry.required('application_credential_secret'),
  };
};

const authOf = (entry: Entry): CloudConfig['auth'] => {
  const type = entry.text('auth_type') ?? 'password';
  if (type === 'password' || type === 'v3password') return passwordAuth(entry);
  if (type === 'v3applicationcredential') return applicationCredential(entry);
  throw entry.refusal(
    'auth_type',
    `"${type}" is not supported: use password or v3applicationcredential`,
  );
};

const urlOf = (entry: Entry, field: string, value: string): string => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw entry.refusal(field, 'must be an http or https URL');
  if (url.username !== '' || url.password !== '')
    throw entry.refusal(field, 'must not carry a user or password');
  return value.replace(/\/+$/, '');
};

const interfaceOf = (entry: Entry): Interface => {
  const value = entry.text('interface') ?? entry.text('endpoint_type') ?? 'public';
  const name = value.replace(/URL$/, '');
  if (name === 'public' || name === 'internal' || name === 'admin') return name;
  throw entry.refusal('interface', `"${value}" must be public, internal or admin`);
};

const tlsOf = (entry: Entry): TlsConfig => {
  const tls: TlsConfig = { verify: entry.flag('verify') ?? !(entry.flag('insecure') ?? false) };
  for (const field of ['cacert', 'cert', 'key'] as const) {
    const value = entry.text(field);
    if (value !== undefined) tls[field] = value;
  }
  if (tls.key !== undefined && tls.cert === undefined)
    throw entry.refusal('cert', 'is missing beside key');
  return tls;
};

const overridesOf = (entry: Entry): CloudConfig['endpointOverrides'] => {
  const overrides: CloudConfig['endpointOverrides'] = {};
  for (const service of SERVICE_NAMES) {
    for (const type of CATALOG_TYPES[service]) {
      const field = `${type.replaceAll('-', '_')}_endpoint_override`;
      const value = entry.text(field);
      if (value !== undefined) overrides[service] ??= urlOf(entry, field, value);
    }
  }
  return overrides;
};

const urlsOf = (entry: Entry): Record<string, string> | undefined => {
  const { urls } = entry.fields;
  if (urls === undefined || urls === null) return undefined;
  if (!isFields(urls)) throw entry.refusal('urls', 'must be a mapping of names to addresses');
  for (const [name, url] of Object.entries(urls))
    if (typeof url !== 'string') throw entry.refusal(`urls.${name}`, 'must be text');
  return urls as Record<string, string>;
};

const pumphouseOf = (entry: Entry): Record<string, unknown> | undefined => {
  const { pumphouse } = entry.fields;
  if (pumphouse === undefined || pumphouse === null) return undefined;
  if (!isFields(pumphouse)) throw entry.refusal('pumphouse', 'must be a mapping');
  return pumphouse;
};

const timeoutOf = (entry: Entry): number | undefined => {
  const value = entry.text('api_timeout');
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (!(seconds > 0)) throw entry.refusal('api_timeout', 'must be a number of seconds above 0');
  return seconds * 1000;
};

/**
 * Checks one entry of a `clouds.yaml`.
 *
 * Errors: InvalidRequest, one line naming the file, the cloud and the field.
 * Source: https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
 */
export const cloudConfig = (origin: string, name: string, raw: unknown): CloudConfig => {
  const written = new Entry(origin, name, isFields(raw) ? raw : {});
  if (!isFields(raw)) throw written.refusal('the entry', 'must be a mapping');
  for (const field of ['profile', 'cloud', 'vendor_hook'])
    if (raw[field] !== undefined)
      throw written.refusal(field, 'is not supported: write the settings out');
  if (!isFields(raw.auth)) throw written.refusal('auth', 'is missing');
  const fields: Fields = { ...raw, ...raw.auth };
  for (const [older, newer] of Object.entries(OLDER_NAMES)) fields[newer] ??= fields[older];
  const entry = new Entry(origin, name, fields);
  const authUrl = urlOf(entry, 'auth.auth_url', entry.required('auth_url'));
  const regionName = entry.text('region_name');
  const apiTimeout = timeoutOf(entry);
  const urls = urlsOf(entry);
  const pumphouse = pumphouseOf(entry);
  return {
    entry: name,
    authUrl: `${authUrl.replace(/\/v(3|2\.0)$/, '')}/v3`,
    auth: authOf(entry),
    ...(regionName === undefined ? {} : { regionName }),
    interface: interfaceOf(entry),
    tls: tlsOf(entry),
    ...(apiTimeout === undefined ? {} : { apiTimeout }),
    endpointOverrides: overridesOf(entry),
    ...(urls === undefined ? {} : { urls }),
    ...(pumphouse === undefined ? {} : { pumphouse }),
  };
};
