/**
 * AWS Step Functions on loopback: the wire protocol of the real service (AWS JSON 1.0) in front of
 * the embedded engine, so that the code that starts executions is the same code as on AWS.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionRecord, executionRecords } from './execution-records.ts';
import { ApiError, Executions, type InvokeFunction } from './executions.ts';
import { listenOnLoopback, MAX_REQUEST_BYTES, readBody } from './loopback.ts';
import { loadMachine, type Machine, type MachineSource } from './state-machine.ts';

type Request = Record<string, unknown>;
type Answer = Record<string, unknown>;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The wire counts seconds. */
const seconds = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : milliseconds / 1000;

const summary = (record: ExecutionRecord): Answer => ({
  executionArn: record.arn,
  stateMachineArn: record.machineArn,
  name: record.name,
  status: record.status,
  startDate: seconds(record.startedAt),
  stopDate: seconds(record.stoppedAt),
});

const description = (record: ExecutionRecord): Answer => ({
  ...summary(record),
  input: record.input,
  inputDetails: { included: true },
  output: record.output,
  outputDetails: record.output === undefined ? undefined : { included: true },
  error: record.error,
  cause: record.cause,
});

const listPage = (executions: Executions, request: Request): Answer => {
  const limit = Number(request.maxResults) || 100;
  const offset = Number(request.nextToken ?? 0);
  const status = text(request.statusFilter);
  const found = executions.list(String(request.stateMachineArn), status, limit + 1, offset);
  const more = found.length > limit ? { nextToken: String(offset + limit) } : {};
  return { executions: found.slice(0, limit).map(summary), ...more };
};

const startExecution = (executions: Executions, request: Request): Answer => {
  const name = text(request.name);
  const { arn, startedAt } = executions.start({
    machineArn: String(request.stateMachineArn),
    input: text(request.input) ?? '{}',
    ...(name === undefined ? {} : { name }),
  });
  return { executionArn: arn, startDate: seconds(startedAt) };
};

const stopExecution = (executions: Executions, request: Request): Answer => {
  const [error, cause] = [text(request.error), text(request.cause)];
  const why = { ...(error ? { error } : {}), ...(cause ? { cause } : {}) };
  return { stopDate: seconds(executions.stop(String(request.executionArn), why).stoppedAt) };
};

const OPERATIONS: Record<string, (executions: Executions, request: Request) => Answer> = {
  StartExecution: startExecution,
  DescribeExecution: (executions, request) =>
    description(executions.describe(String(request.executionArn))),
  StopExecution: stopExecution,
  ListExecutions: listPage,
};

const answer = async (executions: Executions, request: IncomingMessage): Promise<Answer> => {
  const body = await readBody(request, MAX_REQUEST_BYTES);
  const target = String(request.headers['x-amz-target'] ?? '');
  const operation = OPERATIONS[target.replace('AWSStepFunctions.', '')];
  if (!operation) throw new ApiError('UnknownOperationException', `no operation ${target} here`);
  let parsed: Request;
  try {
    parsed = JSON.parse(body.toString() || '{}') as Request;
  } catch {
    throw new ApiError('SerializationException', 'the body is not JSON');
  }
  return operation(executions, parsed);
};

const send = (response: ServerResponse, status: number, body: Answer): void => {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify(body));
};

const sendError = (response: ServerResponse, error: unknown): void => {
  const { message, name } = error as Error;
  if (error instanceof ApiError) send(response, 400, { __type: name, message });
  else send(response, 500, { __type: 'InternalFailure', message });
};

/** Tasks are bound by state name, so that name must say which state of which machine it is. */
const refuseNamesakes = (machines: Machine[]): void => {
  const owners = new Map<string, string>();
  for (const { name, taskNames } of machines)
    for (const task of taskNames) {
      const owner = owners.get(task);
      if (owner) throw new Error(`task state "${task}" is in two machines: ${owner} and ${name}`);
      owners.set(task, name);
    }
};

export interface StepFunctionsOptions {
  machines: MachineSource[];
  invoke: InvokeFunction;
  /** Where executions are remembered; a file that only this process uses. */
  recordsFile: string;
  /** Factor on Wait states and on pauses between retries; 1 as written, tests take less. */
  waitScale?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
  port?: number;
}

export interface StepFunctions {
  /** For AWS_ENDPOINT_URL_SFN. */
  url: string;
  executions: Executions;
  /** Takes up the executions that the last process left running; their names. */
  resume(): string[];
  stop(): Promise<void>;
}

/**
 * Serves state machines.
 * @throws Error naming each state that the embedded engine cannot run as AWS would
 */
export const startStepFunctions = async (options: StepFunctionsOptions): Promise<StepFunctions> => {
  const { recordsFile, invoke, now = Date.now, waitScale = 1, port } = options;
  const machines = options.machines.map((source) => loadMachine(source, waitScale));
  refuseNamesakes(machines);
  const records = executionRecords(recordsFile, now());
  const executions = new Executions({ machines, records, invoke, now, waitScale });
  const server = await listenOnLoopback((request, response) => {
    answer(executions, request).then(
      (body) => send(response, 200, body),
      (error) => sendError(response, error),
    );
  }, port);
  return {
    url: server.url,
    executions,
    resume: () => executions.resume(),
    async stop() {
      await server.close();
      await executions.close();
    },
  };
};
