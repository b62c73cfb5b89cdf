import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../lib/local/database.ts';
import { table } from './fixtures/table.ts';

const newPath = () => join(mkdtempSync(join(tmpdir(), 'pumphouse-db-')), 'dynamodb');
const { TableName } = table;

const open: Database[] = [];
const start = async (options: Partial<Parameters<typeof openDatabase>[0]> = {}) => {
  const database = await openDatabase({ path: newPath(), table, ...options });
  open.push(database);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({
    endpoint: database.url,
    region: 'us-east-1',
    credentials,
  });
  const put = (sk: string, more = {}) =>
    client.send(
      new PutItemCommand({ TableName, Item: { pk: { S: 'p' }, sk: { S: sk }, ...more } }),
    );
  const keys = async () =>
    (await client.send(new ScanCommand({ TableName }))).Items?.map(({ sk }) => sk?.S).sort();
  return { database, client, put, keys };
};
afterEach(async () => {
  for (const database of open.splice(0)) await database.stop();
});

describe('the database', () => {
  it('keeps its table and items between two starts', async () => {
    const path = newPath();
    const first = await start({ path });
    await first.put('a');
    await open.pop()?.stop();
    const second = await start({ path });
    expect(await second.keys()).toEqual(['a']);
  });

  it('keeps every acknowledged write when its process is killed', async () => {
    const path = newPath();
    const script = join(import.meta.dirname, 'fixtures/write-until-killed.ts');
    const writer = spawn(process.execPath, [script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    for await (const chunk of writer.stdout) {
      printed += chunk;
      if (printed.split('\n').length > 50) break;
    }
    const killed = new Promise((resolve) => writer.once('exit', resolve));
    writer.kill('SIGKILL');
    await killed;
    const { client } = await start({ path });
    const acknowledged = printed.trim().split('\n');
    for (const sk of acknowledged) {
      const Key = { pk: { S: 'item' }, sk: { S: sk } };
      expect((await client.send(new GetItemCommand({ TableName, Key }))).Item?.sk?.S).toBe(sk);
    }
  });

  it('ends what it has begun before it stops, whenever that is, and raises nothing', async () => {
    const path = newPath();
    for (let turns = 0; turns < 20; turns += 1) {
      const { client, put } = await start({ path });
      const all = ['a', 'b', 'c', 'd'];
      await Promise.all(all.map((sk) => put(sk)));
      const removals = all.map(async (sk) => {
        const Key = { pk: { S: 'p' }, sk: { S: sk } };
        await client.send(new DeleteItemCommand({ TableName, Key }));
        return sk;
      });
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      await open.pop()?.stop();
      const ends = await Promise.allSettled(removals);
      const { keys } = await start({ path });
      const left = await keys();
      for (const end of ends)
        if (end.status === 'fulfilled') expect(left, `${turns}`).not.toContain(end.value);
      await open.pop()?.stop();
    }
  });

  it('makes its table anew when a killed process left it half made', async () => {
    const path = newPath();
    const engine = dynalite({ path, createTableMs: 60_000 });
    await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', () => resolve()));
    const { port } = engine.address() as { port: number };
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const { TimeToLiveSpecification: _, ...properties } = table;
    await client.send(new CreateTableCommand(properties));
    const closed = new Promise((resolve) => engine.close(resolve));
    client.destroy();
    await closed;
    const { put, keys } = await start({ path });
    await put('a');
    expect(await keys()).toEqual(['a']);
  });

  it('is refused when the folder holds the table with other indexes', async () => {
    const path = newPath();
    await start({ path });
    await open.pop()?.stop();
    const other = { ...table, GlobalSecondaryIndexes: undefined };
    await expect(openDatabase({ path, table: other })).rejects.toThrow(/other keys/);
  });

  it('sweeps what has expired and nothing else', async () => {
    const now = new Date('2026-11-23T12:00:00Z');
    const { database, put, keys } = await start({ now: () => now });
    const seconds = now.getTime() / 1000;
    await put('old', { expires: { N: String(seconds - 1) } });
    await put('new', { expires: { N: String(seconds + 1) } });
    await put('kept');
    expect(await database.sweep()).toBe(1);
    expect(await keys()).toEqual(['kept', 'new']);
  });

  it('takes no request from a page of another site', async () => {
    const { database, client } = await start();
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.Scan',
      authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0',
      'x-amz-date': '20261123T120000Z',
    };
    const body = JSON.stringify({ TableName });
    const post = (more: Record<string, string>) =>
      fetch(database.url, { method: 'POST', headers: { ...headers, ...more }, body });
    expect((await post({})).status).toBe(200);
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect(
      (await fetch(database.url, { method: 'OPTIONS', headers: { origin: 'null' } })).status,
    ).toBe(403);
    expect(await client.send(new ScanCommand({ TableName }))).toMatchObject({ Count: 0 });
  });

  it('survives a client that hangs up in the middle of a request', async () => {
    const { database, put, keys } = await start();
    const { port, host } = new URL(database.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\n{`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await put('a');
    expect(await keys()).toEqual(['a']);
  });
});
