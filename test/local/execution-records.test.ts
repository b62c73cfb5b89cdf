import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { executionRecords } from '../../lib/local/execution-records.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pumphouse-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('records of an earlier version go on: their executions are known, and new ones have their bytes', () => {
  const file = join(folder, 'executions.sqlite');
  const earlier = new DatabaseSync(file);
  earlier.exec(`CREATE TABLE executions (
    arn TEXT PRIMARY KEY, machineArn TEXT NOT NULL, name TEXT NOT NULL, parentArn TEXT,
    status TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
    startedAt INTEGER NOT NULL, stoppedAt INTEGER, events INTEGER NOT NULL);
    INSERT INTO executions VALUES ('old', 'm', 'old', NULL, 'RUNNING', '{}', NULL, NULL, NULL, 1, NULL, 0)`);
  earlier.close();
  const records = executionRecords(file, 2);
  expect(records.running()).toMatchObject([{ arn: 'old', bytes: 0 }]);
  records.finish('old', { status: 'SUCCEEDED', events: 9, bytes: 70 }, 3);
  expect(records.find('old')).toMatchObject({ status: 'SUCCEEDED', events: 9, bytes: 70 });
  records.close();
});
