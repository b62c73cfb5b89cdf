/**
 * Finds and reads the operator's `clouds.yaml`, the way every OpenStack tool does, with the secrets
 * of a `secure.yaml` beside it merged in.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { PumphouseError } from '../domain/errors.ts';
import { type CloudConfig, cloudConfig } from './cloud-config.ts';

export type { CloudConfig } from './cloud-config.ts';

/** The entries of one file, unchecked. */
export interface CloudsFile {
  /** Path of the file, or what else the text came from; for complaints. */
  origin: string;
  clouds: Record<string, unknown>;
}

type Mapping = Record<string, unknown>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refusal = (origin: string, complaint: string): PumphouseError =>
  new PumphouseError('InvalidRequest', `${origin}: ${complaint}`, { details: { file: origin } });

/** The parser quotes the offending line, which may hold a password: only its place is told. */
const parseYaml = (text: string, origin: string): unknown => {
  try {
    return parse(text);
  } catch (error) {
    const at = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    throw refusal(origin, `is not readable as YAML${at ? ` (line ${at.line})` : ''}`);
  }
};

/**
 * Reads the text of a `clouds.yaml`. `origin` names where it came from in complaints.
 *
 * Errors: InvalidRequest.
 */
export const parseClouds = (text: string, origin = 'clouds.yaml'): CloudsFile => {
  const document = parseYaml(text, origin);
  if (!isMapping(document) || !isMapping(document.clouds))
    throw refusal(origin, 'has no "clouds" mapping');
  return { origin, clouds: document.clouds };
};

const PLACES = (): string[] => [
  'clouds.yaml',
  'clouds.yml',
  join(homedir(), '.config/openstack/clouds.yaml'),
  join(homedir(), '.config/openstack/clouds.yml'),
  '/etc/openstack/clouds.yaml',
  '/etc/openstack/clouds.yml',
];

const findFile = (): string => {
  const named = process.env.OS_CLIENT_CONFIG_FILE;
  if (named !== undefined && named !== '') return named;
  const found = PLACES().find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw refusal(
    'clouds.yaml',
    'not found in OS_CLIENT_CONFIG_FILE, ., ~/.config/openstack or /etc/openstack',
  );
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw refusal(path, missing ? 'no such file' : 'cannot be read');
  }
};

/** Values of `over` win; mappings are merged key by key. */
const merge = (under: unknown, over: unknown): unknown => {
  if (!isMapping(under) || !isMapping(over)) return over ?? under;
  const merged: Mapping = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(under[key], value);
  return merged;
};

/**
 * Reads a `clouds.yaml`: the path given, else `OS_CLIENT_CONFIG_FILE`, else `./`,
 * `~/.config/openstack/`, `/etc/openstack/`. A `secure.yaml` in the same folder is merged over it.
 *
 * Errors: InvalidRequest.
 * Source: https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
 */
export const readCloudsFile = (path: string = findFile()): CloudsFile => {
  const file = parseClouds(readText(path), path);
  const secure = ['secure.yaml', 'secure.yml']
    .map((name) => join(dirname(path), name))
    .find((place) => existsSync(place));
  if (secure === undefined) return file;
  const clouds = merge(file.clouds, parseClouds(readText(secure), secure).clouds);
  return { origin: path, clouds: clouds as Mapping };
};

/**
 * The settings of one cloud. `from` is a path, the text of a `clouds.yaml` (anything with a line
 * break: on AWS it comes out of Secrets Manager) or a file already read.
 *
 * Errors: InvalidRequest, one line naming the file, the cloud and the field; never a password.
 */
export const loadCloud = (
  from: string | CloudsFile | undefined,
  cloudName: string,
): CloudConfig => {
  const file =
    typeof from === 'string' && from.includes('\n')
      ? parseClouds(from)
      : typeof from === 'object'
        ? from
        : readCloudsFile(from);
  if (!Object.hasOwn(file.clouds, cloudName)) {
    const known = Object.keys(file.clouds).join(', ') || 'none';
    throw refusal(file.origin, `has no cloud "${cloudName}" (it has: ${known})`);
  }
  return cloudConfig(file.origin, cloudName, file.clouds[cloudName]);
};
