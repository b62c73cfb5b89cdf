/** The folder in which the embedded run keeps everything, and the lock on it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartRefused } from './refusal.ts';

export interface DataFolder {
  path: string;
  file(name: string): string;
  release(): void;
}

/** A lock that nobody refers to would be collected, and so let go. */
const held = new Set<DatabaseSync>();

const makeFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // It holds passwords of clouds, and an existing folder keeps the mode that it had.
    chmodSync(path, 0o700);
  } catch (error) {
    throw new StartRefused(`the data folder ${path} cannot be used: ${(error as Error).message}`);
  }
};

const readHolder = (pidFile: string): string =>
  existsSync(pidFile) ? ` (process ${readFileSync(pidFile, 'utf8').trim()})` : '';

/**
 * Takes a data folder for this process; it is made when it is not there.
 *
 * The lock is one that SQLite holds on a file: the operating system lets it go with the process,
 * however that ends.
 * @throws StartRefused when another process has it, or it cannot be made
 */
export const openDataFolder = (given: string): DataFolder => {
  const path = resolve(given);
  makeFolder(path);
  const file = (name: string): string => join(path, name);
  const pidFile = file('pid');
  const lock = new DatabaseSync(file('lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    const holder = readHolder(pidFile);
    throw new StartRefused(`the data folder ${path} is in use by another start${holder}`);
  }
  held.add(lock);
  writeFileSync(pidFile, `${process.pid}\n`);
  const release = (): void => {
    held.delete(lock);
    lock.close();
  };
  return { path, file, release };
};
