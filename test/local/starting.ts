/** Runs `npm start` as a process, the way a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const START = join(import.meta.dirname, '../../lib/local/start.ts');

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'pumphouse-start-'));

export interface Started {
  child: ChildProcess;
  /** What it has printed so far. */
  lines: string[];
  errors: string[];
  /** Resolves with its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  /** Resolves with the API's URL once it is ready, rejects when it ends before. */
  ready: Promise<string>;
}

/** Starts the command; the caller ends it. */
export const start = (...options: string[]): Started => {
  const child = spawn(process.execPath, [START, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OS_CLIENT_CONFIG_FILE: '' },
  });
  const [lines, errors]: [string[], string[]] = [[], []];
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.startsWith('ready ')) resolve(line.slice('ready '.length));
  });
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  const ended = new Promise<number | string>((end) =>
    child.once('close', (code, signal) => end(code ?? signal ?? '')),
  );
  void ended.then(() => reject(new Error(`it ended: ${errors.join('\n')}`)));
  ready.catch(() => {});
  return { child, lines, errors, ended, ready };
};
