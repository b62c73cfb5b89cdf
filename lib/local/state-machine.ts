/**
 * A state machine as the embedded engine gets it. The engine (`aws-local-stepfunctions`) runs linear
 * lists of states well; this rewrites what it gets wrong, and takes the items of a Map and the
 * branches of a Parallel out of its hands (`state-run.ts` says why).
 */
import type { StateMachineDefinition } from 'aws-local-stepfunctions';
import {
  everyState,
  findRefusals,
  innerStates,
  type Json,
  LONGEST_SECONDS,
  type States,
  TASK_RESOURCES,
} from './state-language.ts';

export type TaskKind = keyof typeof TASK_RESOURCES | 'wait';

/** A linear list of states and what its tasks do. */
export interface Section {
  definition: StateMachineDefinition;
  tasks: Map<string, TaskKind>;
  /** By the name of the task that stands for all items or for one branch. */
  inner: Map<string, { section: Section; kind: 'Map' | 'Parallel'; concurrency: number }>;
}

export interface Machine {
  name: string;
  arn: string;
  section: Section;
  taskNames: string[];
}

export interface MachineSource {
  name: string;
  arn: string;
  /** JSONPath ASL with its substitutions resolved. */
  definition: States;
}

/** Inline Maps run at most this many items at once, as on AWS. */
const MOST_CONCURRENT = 40;
/** The engine is to start every item at once: we queue them ourselves. */
const ENGINE_CONCURRENCY = 1_000_000;

const scaleRetrier = (retrier: Json, scale: number): Json => ({
  ...retrier,
  IntervalSeconds: Number(retrier.IntervalSeconds ?? 1) * scale,
  ...(retrier.MaxDelaySeconds ? { MaxDelaySeconds: Number(retrier.MaxDelaySeconds) * scale } : {}),
});

/** The engine takes the path `$` for a key of that name; without it the meaning is the same. */
const withoutRootPath = (json: Json): Json => {
  const { ResultPath, ...rest } = json;
  return ResultPath === undefined || ResultPath === '$' ? rest : json;
};

const IS_TEST = /^Is[A-Z]/;

/** The engine never matches `IsPresent: false` and its like: said as a negation it does. */
const mendRule = (rule: Json): Json => {
  const { Next, ...test } = rule;
  const next = Next === undefined ? {} : { Next };
  const key = Object.keys(test).find((name) => IS_TEST.test(name) && test[name] === false);
  if (key) return { Not: { Variable: test.Variable, [key]: true }, ...next };
  for (const many of ['And', 'Or'])
    if (Array.isArray(test[many])) return { [many]: (test[many] as Json[]).map(mendRule), ...next };
  return test.Not ? { Not: mendRule(test.Not as Json), ...next } : rule;
};

const rewriteWait = (state: Json, scale: number): Json => {
  if (state.Seconds !== undefined) return { ...state, Seconds: Number(state.Seconds) * scale };
  if (state.SecondsPath === undefined) return state;
  const { SecondsPath, ...rest } = state;
  const parameters = { 'seconds.$': SecondsPath };
  return { ...rest, ...localTask(), Parameters: parameters, ResultPath: null };
};

/** A task that the engine hands to us. The engine's own default gives up after 60 s, AWS never. */
const localTask = (): Json => ({
  Type: 'Task',
  Resource: TASK_RESOURCES.function,
  TimeoutSeconds: LONGEST_SECONDS,
});

const standIn = (name: string): States => ({
  StartAt: name,
  States: { [name]: { ...localTask(), End: true } },
});

const rewriteMap = (state: Json, name: string): Json => {
  const {
    Iterator: _,
    Parameters,
    ItemSelector,
    MaxConcurrency,
    MaxConcurrencyPath,
    ...rest
  } = state;
  const selector = ItemSelector ?? Parameters;
  const item = {
    ...{ 'index.$': '$$.Map.Item.Index', 'value.$': '$$.Map.Item.Value' },
    ...(selector ? { input: selector } : { 'input.$': '$$.Map.Item.Value' }),
    ...(MaxConcurrencyPath ? { 'concurrency.$': MaxConcurrencyPath } : {}),
  };
  return {
    ...rest,
    MaxConcurrency: ENGINE_CONCURRENCY,
    ItemSelector: item,
    ItemProcessor: standIn(name),
  };
};

const rewriteByType = (state: Json, names: string[], scale: number): Json => {
  if (state.Type === 'Wait') return rewriteWait(state, scale);
  if (state.Type === 'Map') return rewriteMap(state, names[0] ?? '');
  if (state.Type === 'Parallel') return { ...state, Branches: names.map(standIn) };
  if (state.Type === 'Choice')
    return { ...state, Choices: (state.Choices as Json[]).map(mendRule) };
  if (state.Type !== 'Task' || state.TimeoutSeconds || state.TimeoutSecondsPath) return state;
  return { ...state, TimeoutSeconds: LONGEST_SECONDS };
};

const rewriteState = (state: Json, names: string[], scale: number): Json => {
  const { Comment: _, ...mended } = withoutRootPath(rewriteByType(state, names, scale));
  if (Array.isArray(mended.Retry))
    mended.Retry = mended.Retry.map((retrier) => scaleRetrier(retrier, scale));
  if (Array.isArray(mended.Catch)) mended.Catch = mended.Catch.map(withoutRootPath);
  return mended;
};

const findKind = (state: Json): TaskKind | undefined => {
  if (state.Type === 'Wait' && state.SecondsPath !== undefined) return 'wait';
  if (state.Type !== 'Task') return undefined;
  return state.Resource === TASK_RESOURCES.function ? 'function' : 'execution';
};

/** How many items run at once of those that a Map allows; 0 is no limit of its own. */
export const concurrencyOf = (allowed: unknown): number =>
  Math.min(Number(allowed ?? 0) || MOST_CONCURRENT, MOST_CONCURRENT);

/** Names of the tasks that stand for inner states; NUL cannot occur in a written name. */
const innerNames = (name: string, state: Json): string[] =>
  innerStates(state).map((_, index) => `${name}\u0000${index}`);

const buildSection = (states: States, scale: number): Section => {
  const section: Section = {
    definition: { StartAt: states.StartAt, States: {} },
    tasks: new Map(),
    inner: new Map(),
  };
  if (states.TimeoutSeconds) section.definition.TimeoutSeconds = states.TimeoutSeconds;
  const rewritten = section.definition.States as Record<string, unknown>;
  for (const [name, state] of Object.entries(states.States)) {
    const names = innerNames(name, state);
    rewritten[name] = rewriteState(state, names, scale);
    const kind = findKind(state);
    if (kind) section.tasks.set(name, kind);
    for (const [index, inner] of innerStates(state).entries())
      section.inner.set(names[index] ?? '', {
        section: buildSection(inner, scale),
        kind: state.Type as 'Map' | 'Parallel',
        concurrency: concurrencyOf(state.MaxConcurrency),
      });
  }
  return section;
};

/**
 * Loads a state machine.
 * @param scale factor on waits and on pauses between retries: 1 as written, tests take less
 * @throws Error that names each state the embedded engine cannot run as AWS would
 */
export const loadMachine = ({ name, arn, definition }: MachineSource, scale: number): Machine => {
  const refusals = findRefusals(definition);
  if (refusals.length > 0)
    throw new Error(`state machine ${name} cannot run here:\n  ${refusals.join('\n  ')}`);
  const taskNames = [...everyState(definition)]
    .filter(({ state }) => state.Type === 'Task')
    .map((found) => found.name);
  return { name, arn, section: buildSection(definition, scale), taskNames };
};
