/**
 * The simulated clouds' objects: one SQLite table of JSON, read through memory. `put` and `drop` are seen
 * at once and are durable after `commit`, which the listener calls before it answers; so an acknowledged
 * write outlives SIGKILL, and the writes of one call are stored together or not at all.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Item } from './model.ts';

export interface Table<T extends Item> {
  get(id: string): T | undefined;
  /** In the order of creation. */
  all(): T[];
  where(match: (item: T) => boolean): T[];
  find(match: (item: T) => boolean): T | undefined;
  put(item: T): T;
  drop(id: string): void;
}

export interface Store {
  table<T extends Item>(cloud: string, kind: string): Table<T>;
  commit(): void;
  /** Forgets every object of a cloud except the kinds named. */
  clear(cloud: string, except: readonly string[]): void;
  close(): void;
}

type Rows = Map<string, Item>;

const SCHEMA = `CREATE TABLE IF NOT EXISTS objects (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  cloud TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL,
  UNIQUE (cloud, kind, id))`;

/**
 * Opens (or makes) the database file. Write-ahead logging with `synchronous = NORMAL` keeps what was committed
 * when the process dies; only a power cut could lose the last moments.
 */
export function objectStore(file: string): Store {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000');
  db.exec(SCHEMA);
  const kinds = new Map<string, Rows>();
  for (const row of db.prepare('SELECT cloud, kind, id, json FROM objects ORDER BY number').all())
    rowsOf(kinds, `${row.cloud}/${row.kind}`).set(String(row.id), JSON.parse(String(row.json)));
  const dirty = new Set<string>();
  const commit = () => writeAll(db, kinds, dirty);
  const touch = (cloud: string, kind: string, id: string) =>
    dirty.add(JSON.stringify([cloud, kind, id]));
  return {
    table: <T extends Item>(cloud: string, kind: string) =>
      tableOf<T>(rowsOf(kinds, `${cloud}/${kind}`), (id) => touch(cloud, kind, id)),
    commit,
    clear(cloud, except) {
      for (const [key, rows] of kinds) {
        const [owner = '', kind = ''] = key.split('/');
        if (owner !== cloud || except.includes(kind)) continue;
        for (const id of rows.keys()) touch(cloud, kind, id);
        rows.clear();
      }
    },
    close() {
      commit();
      db.close();
    },
  };
}

/** One transaction for everything that was touched: the object as it is now, or its absence. */
function writeAll(db: DatabaseSync, kinds: Map<string, Rows>, dirty: Set<string>): void {
  if (dirty.size === 0) return;
  const write = db.prepare(`INSERT INTO objects (cloud, kind, id, json) VALUES (?, ?, ?, ?)
    ON CONFLICT (cloud, kind, id) DO UPDATE SET json = excluded.json`);
  const erase = db.prepare('DELETE FROM objects WHERE cloud = ? AND kind = ? AND id = ?');
  db.exec('BEGIN');
  for (const key of dirty) {
    const [cloud = '', kind = '', id = ''] = JSON.parse(key);
    const item = rowsOf(kinds, `${cloud}/${kind}`).get(id);
    if (item) write.run(cloud, kind, id, JSON.stringify(item));
    else erase.run(cloud, kind, id);
  }
  db.exec('COMMIT');
  dirty.clear();
}

function rowsOf(kinds: Map<string, Rows>, key: string): Rows {
  const rows = kinds.get(key) ?? new Map<string, Item>();
  kinds.set(key, rows);
  return rows;
}

function tableOf<T extends Item>(rows: Rows, touch: (id: string) => void): Table<T> {
  const items = rows as unknown as Map<string, T>;
  return {
    get: (id) => items.get(id),
    all: () => [...items.values()],
    where: (match) => [...items.values()].filter(match),
    find: (match) => items.values().find(match),
    put(item) {
      items.set(item.id, item);
      touch(item.id);
      return item;
    },
    drop(id) {
      if (items.delete(id)) touch(id);
    },
  };
}
