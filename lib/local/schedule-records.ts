/** What EventBridge Scheduler remembers of its schedules, on disk: they are due after a restart as well. */
import { DatabaseSync } from 'node:sqlite';

export interface ScheduleRecord {
  groupName: string;
  name: string;
  /** The request that made it, JSON text. */
  request: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** When it is due next; milliseconds since 1970. */
  next: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS schedules (
    groupName TEXT NOT NULL, name TEXT NOT NULL, request TEXT NOT NULL,
    createdAt INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (groupName, name));
  CREATE INDEX IF NOT EXISTS byNext ON schedules (next);
`;

const INSERT = `INSERT INTO schedules (groupName, name, request, createdAt, next)
  VALUES (:groupName, :name, :request, :createdAt, :next)`;

const toRecord = (row: Record<string, unknown>) => ({ ...row }) as unknown as ScheduleRecord;

type Key = Pick<ScheduleRecord, 'groupName' | 'name'>;

/** Opens the records of a data folder. */
export const scheduleRecords = (file: string) => {
  const db = new DatabaseSync(file);
  db.exec(SCHEMA);
  const find = db.prepare('SELECT * FROM schedules WHERE groupName = ? AND name = ?');
  const list = db.prepare('SELECT * FROM schedules WHERE groupName = ? ORDER BY name');
  const due = db.prepare('SELECT * FROM schedules WHERE next <= ? ORDER BY next, name');
  const soonest = db.prepare('SELECT MIN(next) AS next FROM schedules WHERE next > ?');
  const move = db.prepare('UPDATE schedules SET next = ? WHERE groupName = ? AND name = ?');
  const remove = db.prepare('DELETE FROM schedules WHERE groupName = ? AND name = ?');
  const insert = db.prepare(INSERT);
  return {
    find({ groupName, name }: Key): ScheduleRecord | undefined {
      const row = find.get(groupName, name);
      return row && toRecord(row);
    },
    list: (groupName: string): ScheduleRecord[] => list.all(groupName).map(toRecord),
    /** Fails when the name is taken. */
    add(record: ScheduleRecord): void {
      insert.run({ ...record });
    },
    due: (now: number): ScheduleRecord[] => due.all(now).map(toRecord),
    /** The next time after `now` at which something is due. */
    soonest(now: number): number | undefined {
      const { next } = soonest.get(now) ?? {};
      return typeof next === 'number' ? next : undefined;
    },
    move({ groupName, name }: Key, next: number): void {
      move.run(next, groupName, name);
    },
    /** False when there was none. */
    remove: ({ groupName, name }: Key): boolean => remove.run(groupName, name).changes > 0,
    close: (): void => db.close(),
  };
};

export type ScheduleRecords = ReturnType<typeof scheduleRecords>;
