/** The pool of connections to one cloud, shared by all its scopes. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { SecureContextOptions } from 'node:tls';
import { Agent } from 'undici';
import { PumphouseError } from '../domain/errors.ts';
import type { CloudConfig } from './cloud-config.ts';

/** Connections to one service; OpenStack's own API servers run few workers. */
const CONNECTIONS_PER_SERVICE = 32;
/** Milliseconds to establish a connection. */
const CONNECT_TIMEOUT = 10_000;

const pem = (config: CloudConfig, field: 'cacert' | 'cert' | 'key'): string | undefined => {
  const value = config.tls[field];
  if (value === undefined || value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value.replace(/^~(?=\/)/, homedir()), 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new PumphouseError(
      'InvalidRequest',
      `cloud "${config.entry}": ${field} ${value} cannot be read (${code})`,
      { details: { cloud: config.entry, field } },
    );
  }
};

/**
 * Idle connections do not keep the process alive. `key` may be left out when `cert` holds both.
 *
 * Errors: InvalidRequest when a certificate file cannot be read.
 */
export const connectionPool = (config: CloudConfig): Agent => {
  const secure: SecureContextOptions = {};
  const ca = pem(config, 'cacert');
  const cert = pem(config, 'cert');
  const key = pem(config, 'key') ?? cert;
  if (ca !== undefined) secure.ca = ca;
  if (cert !== undefined) secure.cert = cert;
  if (key !== undefined) secure.key = key;
  return new Agent({
    connections: CONNECTIONS_PER_SERVICE,
    connect: { ...secure, rejectUnauthorized: config.tls.verify, timeout: CONNECT_TIMEOUT },
  });
};
