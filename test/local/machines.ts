/** Small machines for the engine's tests, and a client that speaks to it as the handlers do. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { States } from '../../lib/local/state-language.ts';
import { startStepFunctions } from '../../lib/local/step-functions.ts';

export const machineArn = (name: string): string =>
  `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;

/** A Task state that invokes a function with the state's whole input, or with `payload`. */
export const task = (functionName: string, more: object = {}, payload?: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: functionName, ...(payload ?? { 'Payload.$': '$' }) },
  ResultSelector: { 'result.$': '$.Payload' },
  End: true,
  ...more,
});

export const states = (StartAt: string, all: Record<string, object>): States =>
  ({ StartAt, States: all }) as States;

type Functions = Record<string, (payload: never) => unknown>;

export interface Bench {
  client: SFNClient;
  url: string;
  stop(): Promise<void>;
  resume(): string[];
  start(machine: string, input: unknown, name?: string): Promise<string>;
  /** Waits until the execution has ended. */
  end(arn: string): Promise<DescribeExecutionOutput>;
  run(machine: string, input: unknown): Promise<DescribeExecutionOutput & { json: unknown }>;
}

const untilEnded = async (client: SFNClient, executionArn: string) => {
  for (;;) {
    const found = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (found.status !== 'RUNNING') return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** The engine over machines and functions, in a folder of its own or in `folder`. */
export const bench = async (
  machines: Record<string, States>,
  functions: Functions,
  { folder = mkdtempSync(join(tmpdir(), 'pumphouse-sfn-')), now = Date.now } = {},
): Promise<Bench> => {
  const sources = Object.entries(machines).map(([name, definition]) => ({
    name,
    arn: machineArn(name),
    definition,
  }));
  const service = await startStepFunctions({
    machines: sources,
    invoke: async (name, payload) => functions[name]?.(payload as never),
    recordsFile: join(folder, 'executions.sqlite'),
    waitScale: 0.02,
    now,
  });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SFNClient({ endpoint: service.url, region: 'us-east-1', credentials });
  const start = async (machine: string, input: unknown, name?: string): Promise<string> => {
    const request = { stateMachineArn: machineArn(machine), input: JSON.stringify(input), name };
    return (await client.send(new StartExecutionCommand(request))).executionArn ?? '';
  };
  const end = (arn: string) => untilEnded(client, arn);
  const run = async (machine: string, input: unknown) => {
    const found = await end(await start(machine, input));
    return { ...found, json: found.output === undefined ? undefined : JSON.parse(found.output) };
  };
  const { url, stop, resume } = service;
  return { client, url, stop, resume, start, end, run };
};
