import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import validate from 'asl-validator';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './package.ts';

interface State {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string; StateMachineArn?: string };
  Retry?: object[];
  ItemProcessor?: { States: Record<string, State> };
  Branches?: { States: Record<string, State> }[];
}

const MACHINES = globSync('stepfunctions/*/definition.asl.json', { cwd: ROOT }).map((path) => {
  const machine = basename(join(path, '..'));
  const folder = join(ROOT, 'stepfunctions', machine);
  const text = readFileSync(join(folder, 'definition.asl.json'), 'utf8');
  const { functions, resources } = parse(readFileSync(join(folder, 'machine.yml'), 'utf8'), {
    logLevel: 'error',
  });
  return { machine, folder, text, definition: JSON.parse(text), functions, resources };
});

const sentence = (file: string) =>
  file.charAt(0).toUpperCase() + file.slice(1).replaceAll('-', ' ');
const pascal = (file: string) => file.replace(/(?:^|-)(.)/g, (_, first) => first.toUpperCase());
const camel = (file: string) => file.replace(/-(.)/g, (_, first) => first.toUpperCase());

/** All states of a definition, those in Maps and branches too. */
const statesOf = (states: Record<string, State>): [string, State][] =>
  Object.entries(states).flatMap(([name, state]): [string, State][] => [
    [name, state],
    ...[state.ItemProcessor, ...(state.Branches ?? [])].flatMap((inner) =>
      inner ? statesOf(inner.States) : [],
    ),
  ]);

const invokes = ([, { Resource }]: [string, State]) =>
  Resource === 'arn:aws:states:::lambda:invoke';

/**
 * The one retry of every task: the poll loop, which also waits for its turn where too many run at
 * once, then what a cloud or Lambda may recover from.
 */
const RETRY = [
  {
    ErrorEquals: ['StillWaiting', 'Lambda.TooManyRequestsException'],
    ...{ IntervalSeconds: 2, BackoffRate: 1.5, MaxDelaySeconds: 30, MaxAttempts: 100000 },
  },
  {
    ErrorEquals: [
      ...['CloudUnavailable', 'CloudBusy', 'Lambda.ServiceException'],
      ...['Lambda.AWSLambdaException', 'Lambda.SdkClientException'],
      ...['Lambda.Unknown', 'Sandbox.Timedout', 'States.Timeout'],
    ],
    ...{ IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 60, MaxAttempts: 6 },
    JitterStrategy: 'FULL',
  },
];

test('there is a machine for each kind of work', () => {
  expect(MACHINES.map(({ machine }) => machine).sort()).toEqual([
    ...['evacuate-host', 'evacuate-server', 'migrate-server', 'migrate-tenant', 'reassign-host'],
    'reset-clouds',
  ]);
});

test('no two states of all machines have the same name', () => {
  const names = MACHINES.flatMap(({ definition }) =>
    statesOf(definition.States).map(([name]) => name),
  );
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

describe.each(MACHINES)('the machine $machine', ({ machine, folder, text, definition, ...yml }) => {
  const states = statesOf(definition.States);
  const tasks = globSync('*.ts', { cwd: join(folder, 'tasks') }).map((file) =>
    basename(file, '.ts'),
  );
  const { DefinitionSubstitutions: substitutions } =
    yml.resources[`${pascal(machine)}Machine`].Properties;

  test('is valid Amazon States Language', () => {
    const { isValid, errorsText } = validate(definition);
    expect(isValid, isValid ? '' : errorsText('\n')).toBe(true);
  });

  test('is JSONPath throughout', () => {
    expect(text).not.toMatch(/QueryLanguage|\{%|"Assign"|"Arguments"|"Output"/);
  });

  test('has no null, which CloudFormation refuses and packaging drops', () => {
    expect(text).not.toMatch(/\bnull\b/);
  });

  test('has a state, a file, a function and a token of the same name for each task', () => {
    const named = states
      .filter(invokes)
      .map(([name, { Parameters }]) => [name, Parameters?.FunctionName]);
    expect(named.sort()).toEqual(
      tasks.map((file) => [sentence(file), `\${${pascal(file)}}`]).sort(),
    );
    expect(Object.keys(yml.functions).sort()).toEqual(tasks.map(camel).sort());
    for (const file of tasks) {
      const handler = `stepfunctions/${machine}/tasks/${file}.handler`;
      expect(yml.functions[camel(file)].handler).toBe(handler);
      expect(substitutions[pascal(file)]).toBe(`${pascal(file)}LambdaFunction.Arn`);
    }
  });

  test('has a substitution for each token, and no other', () => {
    const tokens = new Set(Array.from(text.matchAll(/\$\{(\w+)\}/g), ([, token]) => token ?? ''));
    expect(Object.keys(substitutions).sort()).toEqual([...tokens].sort());
  });

  test('retries every task in the one way', () => {
    for (const [name, { Retry }] of states.filter(invokes)) expect(Retry, name).toEqual(RETRY);
  });

  test('waits in its tasks, and so has no more history than its tasks make', () => {
    expect(states.filter(([, { Type }]) => Type === 'Wait')).toEqual([]);
  });
});

test('every handler of serverless.yml has its file', () => {
  const { functions } = parse(readFileSync(join(ROOT, 'serverless.yml'), 'utf8'), {
    logLevel: 'error',
  });
  const inMachines = MACHINES.map((one) => one.functions);
  const entries = [functions[0], ...inMachines].flatMap((group) =>
    Object.values<{ handler: string }>(group),
  );
  expect(entries.length).toBeGreaterThan(20);
  for (const { handler } of entries) {
    expect(existsSync(join(ROOT, handler.replace(/\.handler$/, '.ts'))), handler).toBe(true);
  }
});
