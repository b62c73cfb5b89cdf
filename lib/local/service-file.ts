/**
 * `serverless.yml`, resolved by the tool that deploys it, so that the embedded run and AWS cannot
 * drift apart. Resolving takes seconds: the answer is kept until one of the files changes.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const PROJECT = join(import.meta.dirname, '../..');
const MODULES = join(PROJECT, 'node_modules');

const INCLUDE = /\$\{file\(([^)]+)\)/g;

/** The service file and all that it includes, by path below the root. */
const readAll = async (root: string): Promise<Map<string, string>> => {
  const found = new Map<string, string>();
  const waiting = ['serverless.yml'];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const file = join(root, path);
    const text = existsSync(file) ? await readFile(file, 'utf8') : '';
    found.set(path, text);
    for (const [, included = ''] of text.matchAll(INCLUDE)) waiting.push(included.trim());
  }
  return found;
};

const hashOf = async (root: string): Promise<string> => {
  const hash = createHash('sha256').update(root);
  hash.update(await readFile(join(MODULES, 'serverless/package.json')));
  const files = [...(await readAll(root))].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, text] of files) hash.update(`${path}\0${text}\0`);
  return hash.digest('hex').slice(0, 32);
};

const print = async (root: string): Promise<string> => {
  const arguments_ = [join(MODULES, '.bin/osls'), 'print', '--format', 'json'];
  const env = { ...process.env, SLS_NOTIFICATIONS_MODE: 'off', SLS_INTERACTIVE_SETUP_ENABLE: '0' };
  const options = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, arguments_, options);
    return stdout.slice(stdout.indexOf('{'));
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`serverless.yml cannot be resolved:\n${`${stdout}${stderr}`.trim()}`);
  }
};

/** Writes beside and renames, so that a reader never sees half a file. */
const keep = async (file: string, text: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, text);
  await rename(beside, file);
};

/**
 * Answers the resolved service file as JSON, references of CloudFormation left as they are.
 * @param root the folder of `serverless.yml`
 * @throws Error with what the tool said when the file is wrong
 */
export const resolveServiceFile = async (root: string): Promise<unknown> => {
  const file = join(MODULES, '.cache/pumphouse', `${await hashOf(root)}.json`);
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'));
  const text = await print(root);
  const parsed = JSON.parse(text);
  // A folder that cannot be written to costs the next start its seconds, and nothing else.
  await keep(file, text).catch(() => {});
  return parsed;
};
