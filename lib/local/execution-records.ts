/**
 * What Step Functions remembers of its executions, on disk: their names cannot be used again, and
 * they can be described, after a restart as well.
 */
import { DatabaseSync } from 'node:sqlite';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface ExecutionRecord {
  arn: string;
  machineArn: string;
  name: string;
  /** The execution that started this one and waits for it. */
  parentArn?: string;
  status: ExecutionStatus;
  /** JSON text. */
  input: string;
  /** JSON text. */
  output?: string;
  error?: string;
  cause?: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  stoppedAt?: number;
  /** History events as AWS would count them, once it has ended. */
  events: number;
  /** Bytes of its largest state's input, result or output, once it has ended. */
  bytes: number;
}

/** Names may be used again after 90 days, as on AWS; milliseconds. */
const RETENTION = 90 * 24 * 3600 * 1000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS executions (
    arn TEXT PRIMARY KEY, machineArn TEXT NOT NULL, name TEXT NOT NULL, parentArn TEXT,
    status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
    startedAt INTEGER NOT NULL, stoppedAt INTEGER, events INTEGER NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS byMachine ON executions (machineArn, startedAt);
  CREATE INDEX IF NOT EXISTS byStatus ON executions (status);
  CREATE TABLE IF NOT EXISTS starts (number INTEGER PRIMARY KEY);
`;

/** A data folder of an earlier version has no bytes. */
const HAS_BYTES = "SELECT 1 FROM pragma_table_info('executions') WHERE name = 'bytes'";
const ADD_BYTES = 'ALTER TABLE executions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0';

const INSERT = `INSERT INTO executions
  (arn, machineArn, name, parentArn, status, input, startedAt, events)
  VALUES (:arn, :machineArn, :name, :parentArn, :status, :input, :startedAt, 0)`;

const FINISH = `UPDATE executions SET status = :status, output = :output, error = :error,
  cause = :cause, stoppedAt = :stoppedAt, events = :events, bytes = :bytes
  WHERE arn = :arn AND status = 'RUNNING'`;

const LIST = `SELECT * FROM executions WHERE machineArn = :machineArn
  AND (:status IS NULL OR status = :status) ORDER BY startedAt DESC, arn LIMIT :limit OFFSET :offset`;

type Row = Record<string, unknown>;

/** A row without its empty columns. */
const toRecord = (row: Row): ExecutionRecord =>
  Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as unknown as ExecutionRecord;

export type Outcome = Pick<
  ExecutionRecord,
  'status' | 'output' | 'error' | 'cause' | 'events' | 'bytes'
>;

/**
 * Opens the records of a data folder.
 * @param now milliseconds; what ended 90 days before is forgotten
 */
export const executionRecords = (file: string, now: number) => {
  const db = new DatabaseSync(file);
  db.exec(SCHEMA);
  if (!db.prepare(HAS_BYTES).get()) db.exec(ADD_BYTES);
  db.prepare('DELETE FROM executions WHERE stoppedAt < ?').run(now - RETENTION);
  const { lastInsertRowid } = db.prepare('INSERT INTO starts DEFAULT VALUES').run();
  const byArn = db.prepare('SELECT * FROM executions WHERE arn = ?');
  const running = db.prepare(
    "SELECT * FROM executions WHERE status = 'RUNNING' ORDER BY startedAt",
  );
  const [insert, finish, list] = [db.prepare(INSERT), db.prepare(FINISH), db.prepare(LIST)];
  return {
    /** Which start of the process on this folder this is: 1, 2, 3. */
    start: Number(lastInsertRowid),
    find(arn: string): ExecutionRecord | undefined {
      const row = byArn.get(arn);
      return row && toRecord(row);
    },
    /** Fails when the name has been used. */
    add({ parentArn = undefined, ...record }: Omit<ExecutionRecord, 'events' | 'bytes'>): void {
      const { arn, machineArn, name, status, input, startedAt } = record;
      insert.run({ arn, machineArn, name, status, input, startedAt, parentArn: parentArn ?? null });
    },
    /** Writes how an execution ended; the first ending stays. */
    finish(arn: string, outcome: Outcome, stoppedAt: number): void {
      const { status, output = null, error = null, cause = null, events, bytes } = outcome;
      finish.run({ arn, status, output, error, cause, events, bytes, stoppedAt });
    },
    running: (): ExecutionRecord[] => running.all().map(toRecord),
    list(machineArn: string, status: string | undefined, limit: number, offset: number) {
      return list.all({ machineArn, status: status ?? null, limit, offset }).map(toRecord);
    },
    close: (): void => db.close(),
  };
};

export type ExecutionRecords = ReturnType<typeof executionRecords>;
