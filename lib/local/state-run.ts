/**
 * One execution of one machine.
 *
 * The engine runs each linear list of states. The items of a Map and the branches of a Parallel are
 * runs of their own that we start, because the engine keeps starting queued items after one has
 * failed, and goes on retrying a task in a branch that was given up.
 */
import { ExecutionTimeoutError, StateMachine } from 'aws-local-stepfunctions';
import { countEvents, HISTORY_LIMIT } from './history.ts';
import { concurrencyOf, type Machine, type Section, type TaskKind } from './state-machine.ts';

export type JsonValue = Parameters<StateMachine['run']>[0];

/** Input, output and every state's result may be this large on AWS, bytes of UTF-8. */
export const PAYLOAD_LIMIT = 262_144;

/** A failure as Step Functions knows them: matched by `name`, told by `message`. */
export class StateFailure extends Error {
  override readonly name: string;
  readonly isRetryable: boolean;
  readonly isCatchable: boolean;

  constructor(name: string, cause: string, { final = false } = {}) {
    super(cause);
    this.name = name;
    this.isRetryable = !final;
    this.isCatchable = !final;
  }
}

/** What a task is given and who answers it. */
export type RunTask = (kind: TaskKind, input: JsonValue, signal: AbortSignal) => Promise<unknown>;

/** What AWS limits. */
export interface Counted {
  /** Of the history so far, as AWS would count them. */
  events: number;
  /** UTF-8 of the largest input, result or output of a state so far. */
  bytes: number;
}

interface Run {
  runTask: RunTask;
  counted: Counted;
  /** Ends the whole execution at once with this failure. */
  fail(failure: StateFailure): void;
}

type Context = Record<string, unknown>;

const given_up = () =>
  new StateFailure('States.Aborted', 'the execution goes no further', { final: true });

/**
 * The value as JSON would carry it.
 * @throws StateFailure `States.DataLimitExceeded` above 256 KB
 */
const carried = (value: unknown, what: string, counted: Counted): JsonValue => {
  const text = JSON.stringify(value ?? null);
  const bytes = Buffer.byteLength(text);
  counted.bytes = Math.max(counted.bytes, bytes);
  if (bytes <= PAYLOAD_LIMIT) return JSON.parse(text);
  throw new StateFailure(
    'States.DataLimitExceeded',
    `The ${what} exceeds the maximum number of bytes service limit (${PAYLOAD_LIMIT}).`,
    { final: true },
  );
};

/** The items of one Map, or the branches of one Parallel, that are on their way together. */
const group = (concurrency: number, outer: AbortSignal) => {
  const controller = new AbortController();
  const signal = AbortSignal.any([outer, controller.signal]);
  const queue: (() => void)[] = [];
  let [running, expected] = [0, 0];
  let failure: unknown;
  const leave = (): void => {
    expected -= 1;
    running -= 1;
    queue.shift()?.();
  };
  const enter = async (): Promise<void> => {
    expected += 1;
    // The engine starts all items in one turn: none runs before all are known to this group.
    await new Promise(setImmediate);
    if (running >= concurrency) await new Promise<void>((resolve) => queue.push(resolve));
    running += 1;
  };
  const run = async (work: (signal: AbortSignal) => Promise<JsonValue>): Promise<JsonValue> => {
    await enter();
    try {
      if (signal.aborted) throw given_up();
      return await work(signal);
    } catch (error) {
      failure ??= error;
      controller.abort();
      throw failure;
    } finally {
      leave();
    }
  };
  return { run, isOver: () => failure !== undefined || expected === 0 };
};

interface Item {
  index: number;
  value: JsonValue;
  input: JsonValue;
  /** What the Map's `MaxConcurrencyPath` leads to, where it has one. */
  concurrency?: JsonValue;
}

/** Answers the engine's call for all items of a Map or for one branch. */
const innerHandler = (
  name: string,
  section: Section,
  context: Context,
  outer: AbortSignal,
  run: Run,
) => {
  const inner = section.inner.get(name);
  if (!inner) throw new Error(`no states behind ${name}`);
  let current: ReturnType<typeof group> | undefined;
  return (given: JsonValue): Promise<JsonValue> => {
    if (!current || current.isOver()) {
      const { concurrency } = (given ?? {}) as unknown as Item;
      const isMap = inner.kind === 'Map' && concurrency !== undefined;
      current = group(isMap ? concurrencyOf(concurrency) : inner.concurrency, outer);
    }
    return current.run(async (signal) => {
      if (inner.kind === 'Parallel') return runSection(inner.section, given, context, signal, run);
      const { index, value, input } = given as unknown as Item;
      run.counted.events += 1;
      const itemContext = { ...context, Map: { Item: { Index: index, Value: value } } };
      const output = await runSection(inner.section, input, itemContext, signal, run);
      run.counted.events += 1;
      return output;
    });
  };
};

const taskHandlers = (section: Section, context: Context, signal: AbortSignal, run: Run) => {
  const handlers: Record<string, (input: JsonValue) => Promise<JsonValue>> = {};
  for (const [name, kind] of section.tasks)
    handlers[name] = async (input) => {
      if (signal.aborted) throw given_up();
      const given = carried(input, `input of the state/task '${name}'`, run.counted);
      const result = await run.runTask(kind, given, signal);
      return carried(result, `result of the state/task '${name}'`, run.counted);
    };
  for (const name of section.inner.keys())
    handlers[name] = innerHandler(name, section, context, signal, run);
  return handlers;
};

/** Follows what the engine reports, until it is through: the limits of AWS are kept here. */
const follow = async (
  events: ReturnType<StateMachine['run']>['eventLogs'],
  section: Section,
  run: Run,
): Promise<void> => {
  for await (const event of events) {
    run.counted.events += countEvents(event, section);
    if (run.counted.events > HISTORY_LIMIT)
      run.fail(
        new StateFailure(
          'States.Runtime',
          `The execution reached the maximum number of history events (${HISTORY_LIMIT}).`,
          { final: true },
        ),
      );
    if (event.type !== 'StateExited' || section.inner.has(event.state.name)) continue;
    try {
      carried(event.state.output, `output of the state '${event.state.name}'`, run.counted);
    } catch (error) {
      run.fail(error as StateFailure);
    }
  }
};

const runSection = async (
  section: Section,
  input: JsonValue,
  context: Context,
  signal: AbortSignal,
  run: Run,
): Promise<JsonValue> => {
  if (signal.aborted) throw given_up();
  const own = new AbortController();
  const within = AbortSignal.any([signal, own.signal]);
  const machine = new StateMachine(section.definition, { validationOptions: { noValidate: true } });
  const overrides = { taskResourceLocalHandlers: taskHandlers(section, context, within, run) };
  const execution = machine.run(input, { overrides, context });
  signal.addEventListener('abort', execution.abort, { once: true });
  const followed = follow(execution.eventLogs, section, run);
  try {
    return await execution.result;
  } catch (error) {
    throw error instanceof ExecutionTimeoutError ? error : ((error as Error).cause ?? error);
  } finally {
    await followed;
    own.abort();
    signal.removeEventListener('abort', execution.abort);
  }
};

export interface Execution {
  /** Settles once; rejects with what failed the execution. */
  result: Promise<JsonValue>;
  readonly counted: Readonly<Counted>;
  stop(): void;
}

/** Runs a machine; its context is what `$$.Execution` and `$$.StateMachine` read. */
export const runMachine = (
  machine: Machine,
  input: JsonValue,
  context: Context,
  runTask: RunTask,
): Execution => {
  const controller = new AbortController();
  const counted = { events: 2, bytes: 0 };
  let failure: StateFailure | undefined;
  const fail = (error: StateFailure): void => {
    failure ??= error;
    controller.abort();
  };
  const run = { runTask, counted, fail };
  const result = runSection(machine.section, input, context, controller.signal, run)
    .catch((error) => {
      throw failure ?? error;
    })
    .then((output) => {
      if (failure) throw failure;
      return output;
    })
    .finally(() => controller.abort());
  return { result, counted, stop: () => fail(given_up()) };
};
