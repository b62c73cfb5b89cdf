import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, bench, machineArn, states, task } from './machines.ts';

const open: Bench[] = [];
const start: typeof bench = async (...given) => {
  const made = await bench(...given);
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const made of open.splice(0)) await made.stop();
});

const echo = states('Echo', { Echo: task('echo') });
const functions = { echo: (payload: unknown) => payload };

const failing = (name: string, message = 'as told') => {
  const error = new Error(message);
  error.name = name;
  throw error;
};

describe('an execution', () => {
  it('runs a task and answers its payload', async () => {
    const { run } = await start({ echo }, functions);
    expect(await run('echo', { a: 1 })).toMatchObject({
      status: 'SUCCEEDED',
      json: { result: { a: 1 } },
      input: '{"a":1}',
    });
  });

  it('is the same execution when started again with the same name and input while it runs', async () => {
    const waiting = states('Wait', { Wait: { Type: 'Wait', Seconds: 1000, End: true } });
    const { start: startOne, client } = await start({ waiting }, {});
    const arn = await startOne('waiting', { a: 1 }, 'one');
    expect(await startOne('waiting', { a: 1 }, 'one')).toBe(arn);
    await expect(startOne('waiting', { a: 2 }, 'one')).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });
    await client.send(new StopExecutionCommand({ executionArn: arn, cause: 'enough' }));
    expect(await client.send(new DescribeExecutionCommand({ executionArn: arn }))).toMatchObject({
      status: 'ABORTED',
      cause: 'enough',
    });
    await expect(startOne('waiting', { a: 1 }, 'one')).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });
  });

  it('is refused for a machine, a name or an input that cannot be', async () => {
    const { start: startOne, client } = await start({ echo }, functions);
    await expect(startOne('nothing', {})).rejects.toMatchObject({
      name: 'StateMachineDoesNotExist',
    });
    await expect(startOne('echo', {}, 'a b')).rejects.toMatchObject({ name: 'InvalidName' });
    const broken = { stateMachineArn: machineArn('echo'), input: '{' };
    await expect(client.send(new StartExecutionCommand(broken))).rejects.toMatchObject({
      name: 'InvalidExecutionInput',
    });
    const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:echo:nothing';
    await expect(client.send(new DescribeExecutionCommand({ executionArn }))).rejects.toMatchObject(
      { name: 'ExecutionDoesNotExist' },
    );
  });

  it('is listed by status, page after page', async () => {
    const { run, client } = await start({ echo }, functions);
    for (const n of [1, 2, 3]) await run('echo', { n });
    const request = { stateMachineArn: machineArn('echo'), maxResults: 2 };
    const first = await client.send(
      new ListExecutionsCommand({ ...request, statusFilter: 'SUCCEEDED' }),
    );
    expect(first.executions).toHaveLength(2);
    const rest = await client.send(
      new ListExecutionsCommand({ ...request, nextToken: first.nextToken }),
    );
    expect(rest.executions).toHaveLength(1);
    expect(rest.nextToken).toBeUndefined();
    const none = await client.send(
      new ListExecutionsCommand({ ...request, statusFilter: 'FAILED' }),
    );
    expect(none.executions).toEqual([]);
  });
});

describe('a Map', () => {
  const machine = (more: object, inner: object) =>
    states('Each', {
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemSelector: { 'item.$': '$$.Map.Item.Value', 'at.$': '$$.Map.Item.Index' },
        ItemProcessor: { StartAt: 'Work', States: { Work: task('work', inner) } },
        Next: 'Rest',
        ...more,
      },
      Rest: { Type: 'Pass', End: true },
    });

  const counting = () => {
    const seen = { running: 0, most: 0 };
    const work = async ({ at }: { at: number }) => {
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen.running -= 1;
      return at * 10;
    };
    return { seen, work };
  };

  it('runs its items in their order of concurrency and keeps the order of results', async () => {
    const { seen, work } = counting();
    const { run } = await start({ map: machine({ MaxConcurrency: 3 }, {}) }, { work });
    const { json } = await run('map', { items: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] });
    expect(json).toEqual([0, 10, 20, 30, 40, 50, 60].map((result) => ({ result })));
    expect(seen.most).toBe(3);
  });

  it('runs as many at once as its MaxConcurrencyPath leads to, each time it runs', async () => {
    const { seen, work } = counting();
    const { run } = await start({ map: machine({ MaxConcurrencyPath: '$.most' }, {}) }, { work });
    for (const most of [2, 4]) {
      seen.most = 0;
      const { json } = await run('map', { items: ['a', 'b', 'c', 'd', 'e', 'f'], most });
      expect(json).toHaveLength(6);
      expect(seen.most).toBe(most);
    }
  });

  it('starts no further item once one has failed, and its Catch knows the error', async () => {
    const begun: number[] = [];
    const work = ({ at }: { at: number }) => {
      begun.push(at);
      return at === 1 ? failing('ResourceFailed', 'no luck') : at;
    };
    const caught = {
      MaxConcurrency: 1,
      Catch: [{ ErrorEquals: ['ResourceFailed'], ResultPath: '$.error', Next: 'Rest' }],
    };
    const { run } = await start({ map: machine({ ...caught }, {}) }, { work });
    const { json, status } = await run('map', { items: [0, 1, 2, 3, 4, 5] });
    expect(status).toBe('SUCCEEDED');
    expect(json).toMatchObject({ error: { Error: 'ResourceFailed' } });
    expect(begun).toEqual([0, 1]);
  });
});

describe('a failing task', () => {
  it('is retried as often as its retrier allows, then caught with its cause', async () => {
    let calls = 0;
    const work = () => {
      calls += 1;
      return failing('CloudUnavailable', 'the cloud is away');
    };
    const retrying = states('Work', {
      Work: task('work', {
        Retry: [{ ErrorEquals: ['CloudUnavailable'], IntervalSeconds: 1, MaxAttempts: 2 }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Told' }],
      }),
      Told: { Type: 'Pass', End: true },
    });
    const { run } = await start({ retrying }, { work });
    const { json } = await run('retrying', {});
    expect(calls).toBe(3);
    expect(json).toEqual({ Error: 'CloudUnavailable', Cause: 'the cloud is away' });
  });

  it('fails the execution with its name when nothing catches it', async () => {
    const { run } = await start({ echo }, { echo: () => failing('PlanBlocked', 'not so') });
    expect(await run('echo', {})).toMatchObject({
      status: 'FAILED',
      error: 'PlanBlocked',
      cause: 'not so',
    });
  });

  it('stops its siblings in a Parallel', async () => {
    let late = 0;
    const parallel = states('Both', {
      Both: {
        Type: 'Parallel',
        Branches: [
          { StartAt: 'Fails', States: { Fails: task('fails') } },
          {
            StartAt: 'Pause',
            States: { Pause: { Type: 'Wait', Seconds: 1000, Next: 'Late' }, Late: task('late') },
          },
        ],
        End: true,
      },
    });
    const { run } = await start(
      { parallel },
      { fails: () => failing('QuotaExceeded'), late: () => (late += 1) },
    );
    expect(await run('parallel', {})).toMatchObject({ status: 'FAILED', error: 'QuotaExceeded' });
    expect(late).toBe(0);
  });
});

describe('a child execution', () => {
  const parent = (arn: string) =>
    states('Ask child', {
      'Ask child': {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution.sync:2',
        Parameters: {
          StateMachineArn: arn,
          'Name.$': "States.Format('{}-child', $$.Execution.Name)",
          'Input.$': '$',
        },
        ResultSelector: { 'output.$': '$.Output', 'status.$': '$.Status' },
        Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Child failed' }],
        End: true,
      },
      'Child failed': { Type: 'Pass', End: true },
    });

  it('answers its output to the one that started it', async () => {
    const { run } = await start({ parent: parent(machineArn('echo')), echo }, functions);
    const { json } = await run('parent', { a: 1 });
    expect(json).toEqual({ output: { result: { a: 1 } }, status: 'SUCCEEDED' });
  });

  it('that fails surfaces as States.TaskFailed with the child in its cause', async () => {
    const { run } = await start(
      { parent: parent(machineArn('echo')), echo },
      { echo: () => failing('ResourceFailed', 'broken') },
    );
    const { json } = await run('parent', {});
    const { Error: name, Cause } = json as { Error: string; Cause: string };
    expect(name).toBe('States.TaskFailed');
    expect(JSON.parse(Cause)).toMatchObject({ Status: 'FAILED', Error: 'ResourceFailed' });
  });

  it('is stopped with its parent', async () => {
    const slow = states('Long', { Long: { Type: 'Wait', Seconds: 1000, End: true } });
    const made = await start({ parent: parent(machineArn('slow')), slow }, {});
    const arn = await made.start('parent', {}, 'p');
    const childArn = 'arn:aws:states:us-east-1:000000000000:execution:slow:p-child';
    const child = () => made.client.send(new DescribeExecutionCommand({ executionArn: childArn }));
    await expect.poll(async () => (await child().catch(() => undefined))?.status).toBe('RUNNING');
    await made.client.send(new StopExecutionCommand({ executionArn: arn }));
    expect((await child()).status).toBe('ABORTED');
  });
});

describe('the limits of AWS', () => {
  it('end an execution whose payload exceeds 256 KB', async () => {
    const { run, start: startOne } = await start({ echo }, { echo: () => 'x'.repeat(262_144) });
    expect(await run('echo', {})).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    });
    await expect(startOne('echo', 'x'.repeat(262_144))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  it('end an execution whose history exceeds 25,000 events', async () => {
    const endless = states('Again', {
      Again: { Type: 'Pass', Next: 'Round' },
      Round: {
        Type: 'Choice',
        Choices: [{ Variable: '$.stop', IsPresent: true, Next: 'Stop' }],
        Default: 'Again',
      },
      Stop: { Type: 'Succeed' },
    });
    const { run } = await start({ endless }, {});
    const { status, cause } = await run('endless', {});
    expect(status).toBe('FAILED');
    expect(cause).toContain('25000');
  });
});

describe('a choice', () => {
  it('that something is absent holds when it is absent', async () => {
    const choose = states('Is it there', {
      'Is it there': {
        Type: 'Choice',
        Choices: [{ Variable: '$.a', IsPresent: false, Next: 'Absent' }],
        Default: 'There',
      },
      Absent: { Type: 'Pass', Result: 'absent', End: true },
      There: { Type: 'Pass', Result: 'there', End: true },
    });
    const { run } = await start({ choose }, {});
    expect((await run('choose', {})).json).toBe('absent');
    expect((await run('choose', { a: null })).json).toBe('there');
  });
});

describe('a machine that would run otherwise on AWS', () => {
  const refused: [string, object, RegExp][] = [
    ['JSONata', { ...echo, QueryLanguage: 'JSONata' }, /JSONata/],
    ['Assign', states('A', { A: { Type: 'Pass', Assign: { x: 1 }, End: true } }), /Assign/],
    ['a missing target', states('A', { A: { Type: 'Pass', Next: 'B' } }), /B/],
    [
      'a callback',
      states('A', {
        A: { ...task('x'), Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' },
      }),
      /waitForTaskToken/,
    ],
    [
      'context that is not there',
      states('A', { A: { Type: 'Pass', Parameters: { 'a.$': '$$.State.Name' }, End: true } }),
      /context/,
    ],
  ];
  it.each(refused)('is refused at load: %s', async (_, machine, why) => {
    await expect(bench({ machine: machine as never }, {})).rejects.toThrow(why);
  });

  it('is refused when a task state has the name of one in another machine', async () => {
    await expect(bench({ one: echo, two: echo }, {})).rejects.toThrow(/"Echo" is in two machines/);
  });
});

describe('after a restart', () => {
  it('what was running goes on under its name, and what has ended stays described', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pumphouse-sfn-'));
    const slow = states('Pause', {
      Pause: { Type: 'Wait', SecondsPath: '$.seconds', Next: 'Echo' },
      Echo: task('echo'),
    });
    const first = await bench({ slow }, functions, { folder });
    const running = await first.start('slow', { seconds: 500 }, 'long');
    const ended = await first.end(await first.start('slow', { seconds: 0 }, 'short'));
    await first.stop();
    const second = await start({ slow: states('Echo', { Echo: task('echo') }) }, functions, {
      folder,
    });
    expect(second.resume()).toEqual(['long']);
    expect(await second.end(running)).toMatchObject({ status: 'SUCCEEDED', name: 'long' });
    expect(await second.end(ended.executionArn ?? '')).toMatchObject({ output: ended.output });
    await expect(second.start('slow', { seconds: 0 }, 'short')).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });
  });
});

describe('the history of an execution', () => {
  it('counts as many events as AWS writes', async () => {
    let calls = 0;
    const flaky = () => {
      calls += 1;
      return calls === 1 ? failing('CloudUnavailable') : { items: [1, 2] };
    };
    const counted = states('Flaky', {
      Flaky: task('flaky', {
        Retry: [{ ErrorEquals: ['CloudUnavailable'] }],
        ResultSelector: { 'items.$': '$.Payload.items' },
        End: undefined,
        Next: 'Pause',
      }),
      Pause: { Type: 'Wait', SecondsPath: '$.items[0]', Next: 'Each' },
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: { StartAt: 'Item', States: { Item: { Type: 'Pass', End: true } } },
        Next: 'Done',
      },
      Done: { Type: 'Succeed' },
    });
    const folder = mkdtempSync(join(tmpdir(), 'pumphouse-sfn-'));
    const { run } = await start(
      { counted: JSON.parse(JSON.stringify(counted)) },
      { flaky },
      { folder },
    );
    const { executionArn = '' } = await run('counted', {});
    const records = new DatabaseSync(join(folder, 'executions.sqlite'), { readOnly: true });
    const row = records.prepare('SELECT events FROM executions WHERE arn = ?').get(executionArn);
    records.close();
    // Started 1; Flaky entered, 2 attempts of 3, exited 8; Pause 2; Each entered, started,
    // 2 iterations of (started, entered, exited, succeeded), succeeded, exited 12; Done 2; succeeded 1.
    expect(row?.events).toBe(1 + 8 + 2 + 12 + 2 + 1);
  });
});
