/**
 * The executions of all machines: started, described, stopped, and taken up again after a restart,
 * with the answers that AWS Step Functions gives.
 */
import { randomUUID } from 'node:crypto';
import { ExecutionTimeoutError } from 'aws-local-stepfunctions';
import type { ExecutionRecord, ExecutionRecords, Outcome } from './execution-records.ts';
import type { Machine } from './state-machine.ts';
import {
  type Counted,
  type Execution,
  type JsonValue,
  PAYLOAD_LIMIT,
  type RunTask,
  runMachine,
  StateFailure,
} from './state-run.ts';

/** An answer of the API that is an error; `name` is its `__type`. */
export class ApiError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Calls a Lambda function; rejects with an error whose `name` the machine's Retry and Catch match. */
export type InvokeFunction = (functionName: string, payload: unknown) => Promise<unknown>;

export interface StartRequest {
  machineArn: string;
  name?: string;
  /** JSON text. */
  input: string;
  parentArn?: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the API's own list of what a name may not hold
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$/;

const parseInput = (input: string): JsonValue => {
  if (Buffer.byteLength(input) > PAYLOAD_LIMIT)
    throw new ApiError('ValidationException', `'input' is longer than ${PAYLOAD_LIMIT} bytes`);
  try {
    return JSON.parse(input);
  } catch {
    throw new ApiError(
      'InvalidExecutionInput',
      "Invalid State Machine Execution Input: 'not JSON'",
    );
  }
};

const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });

const NOTHING: Counted = { events: 0, bytes: 0 };

const failureOf = (error: unknown): Omit<Outcome, keyof Counted> => {
  if (error instanceof ExecutionTimeoutError) return { status: 'TIMED_OUT' };
  const { name, message } = error as Error;
  return { status: 'FAILED', error: name, cause: message };
};

export interface ExecutionsOptions {
  machines: Machine[];
  records: ExecutionRecords;
  invoke: InvokeFunction;
  now: () => number;
  /** Factor on waits, 1 as written. */
  waitScale: number;
}

interface Alive {
  execution: Execution;
  ended: Promise<void>;
}

/** What `startExecution.sync:2` results in: the execution, its input and output as JSON. */
const childResult = (record: ExecutionRecord): Record<string, unknown> => {
  const result = {
    ExecutionArn: record.arn,
    StateMachineArn: record.machineArn,
    Name: record.name,
    Status: record.status,
    StartDate: record.startedAt,
    StopDate: record.stoppedAt,
    Input: JSON.parse(record.input),
    InputDetails: { Included: true },
  };
  if (record.status === 'SUCCEEDED')
    return {
      ...result,
      Output: JSON.parse(record.output ?? 'null'),
      OutputDetails: { Included: true },
    };
  const failure = { Error: record.error, Cause: record.cause };
  throw new StateFailure('States.TaskFailed', JSON.stringify({ ...result, ...failure }));
};

/** An error of the API reaches a machine as `StepFunctions.<name>Exception`. */
const asTaskFailure = (error: unknown): never => {
  if (!(error instanceof ApiError)) throw error;
  throw new StateFailure(`StepFunctions.${error.name}Exception`, error.message);
};

/**
 * Runs executions.
 *
 * Names are kept: the same name with the same input while it runs is the same execution, any other
 * use of it is refused. Children are an execution's own: they are stopped with it, and after a
 * restart the execution starts them anew under new names.
 */
export class Executions {
  readonly #machines: Map<string, Machine>;
  readonly #options: ExecutionsOptions;
  readonly #records: ExecutionRecords;
  readonly #alive = new Map<string, Alive>();
  #closed = false;

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.#records = options.records;
    this.#machines = new Map(options.machines.map((machine) => [machine.arn, machine]));
  }

  /** @throws ApiError as StartExecution does */
  start({ machineArn, name = randomUUID(), input, parentArn }: StartRequest): ExecutionRecord {
    const machine = this.#machine(machineArn);
    if (!NAME.test(name)) throw new ApiError('InvalidName', `Invalid Name: '${name}'`);
    parseInput(input);
    const unique = parentArn && this.#records.start > 1 ? `${name}-${this.#records.start}` : name;
    const arn = `${machineArn.replace(':stateMachine:', ':execution:')}:${unique}`;
    const known = this.#records.find(arn);
    if (known?.status === 'RUNNING' && known.input === input) return known;
    if (known) throw new ApiError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    const started = { arn, machineArn, name: unique, input, startedAt: this.#options.now() };
    const parent = parentArn ? { parentArn } : {};
    const record: ExecutionRecord = { ...started, ...parent, status: 'RUNNING', ...NOTHING };
    this.#records.add(record);
    this.#run(record, machine);
    return record;
  }

  /** @throws ApiError `ExecutionDoesNotExist` */
  describe(arn: string): ExecutionRecord {
    const record = this.#records.find(arn);
    if (record) return record;
    throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }

  /** Ends an execution and its children; a task in hand runs on, as on AWS. */
  stop(arn: string, why: { error?: string; cause?: string }): ExecutionRecord {
    this.describe(arn);
    const execution = this.#alive.get(arn)?.execution;
    const outcome: Outcome = { status: 'ABORTED', ...why, ...(execution?.counted ?? NOTHING) };
    this.#records.finish(arn, outcome, this.#options.now());
    execution?.stop();
    return this.describe(arn);
  }

  /** The newest first. */
  list(machineArn: string, status: string | undefined, limit: number, offset: number) {
    this.#machine(machineArn);
    return this.#records.list(machineArn, status, limit, offset);
  }

  /**
   * Takes up what was running when the process died: each execution that nobody else waits for
   * starts again from its beginning, same name, same input. Children are given up: the ones that
   * are still needed are started again by their parents.
   * @returns the names of those that go on
   */
  resume(): string[] {
    const left = () => this.#records.running().filter(({ arn }) => !this.#alive.has(arn));
    const ended: Outcome = { status: 'ABORTED', cause: 'the service ended', ...NOTHING };
    for (const { arn, parentArn, machineArn } of left())
      if (parentArn || !this.#machines.has(machineArn))
        this.#records.finish(arn, ended, this.#options.now());
    const resumed = left();
    for (const record of resumed) this.#run(record, this.#machine(record.machineArn));
    return resumed.map(({ name }) => name);
  }

  /** Ends all waiting without writing an end: what runs now is resumed at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    const last = [...this.#alive.values()];
    for (const { execution } of last) execution.stop();
    await Promise.all(last.map(({ ended }) => ended));
    this.#records.close();
  }

  #machine(arn: string): Machine {
    const machine = this.#machines.get(arn);
    if (machine) return machine;
    throw new ApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  #run(record: ExecutionRecord, machine: Machine): void {
    const { arn, name } = record;
    const context = {
      Execution: { Id: arn, Name: name },
      StateMachine: { Id: machine.arn, Name: machine.name },
    };
    const execution = runMachine(machine, JSON.parse(record.input), context, this.#runTask(arn));
    const ended = execution.result.then(
      (output) => this.#finish(arn, { status: 'SUCCEEDED', output: JSON.stringify(output) }),
      (error) => this.#finish(arn, failureOf(error)),
    );
    this.#alive.set(arn, { execution, ended });
  }

  #finish(arn: string, outcome: Omit<Outcome, keyof Counted>): void {
    const counted = this.#alive.get(arn)?.execution.counted ?? NOTHING;
    if (!this.#closed) this.#records.finish(arn, { ...outcome, ...counted }, this.#options.now());
    this.#alive.delete(arn);
  }

  #runTask(arn: string): RunTask {
    const { invoke, waitScale } = this.#options;
    return async (kind, input, signal) => {
      const fields = input as Record<string, JsonValue>;
      if (kind === 'wait') return sleep(Number(fields.seconds) * 1000 * waitScale, signal);
      if (kind === 'execution') return this.#runChild(fields, arn, signal).catch(asTaskFailure);
      const payload = await invoke(String(fields.FunctionName), fields.Payload ?? {});
      return { ExecutedVersion: '$LATEST', Payload: payload ?? null, StatusCode: 200 };
    };
  }

  async #runChild(fields: Record<string, JsonValue>, parentArn: string, signal: AbortSignal) {
    const { StateMachineArn, Name, Input } = fields;
    const name = Name === undefined ? {} : { name: String(Name) };
    const input = JSON.stringify(Input ?? {});
    const { arn } = this.start({ machineArn: String(StateMachineArn), ...name, input, parentArn });
    const giveUp = () => void this.stop(arn, { cause: 'the parent execution ended' });
    signal.addEventListener('abort', giveUp, { once: true });
    await this.#alive.get(arn)?.ended;
    signal.removeEventListener('abort', giveUp);
    return childResult(this.describe(arn));
  }
}
