/**
 * The part of the Amazon States Language that runs alike on AWS and in the embedded engine, and the
 * refusal of the rest: what the engine would ignore or mangle must not load.
 */
import validateDefinition from 'asl-validator';

/** A definition or a state before it is known to be one. */
export type Json = { [key: string]: unknown };

export interface States {
  StartAt: string;
  States: Record<string, Json>;
  TimeoutSeconds?: number;
}

/** What timers can hold: 2^31 ms are 24.8 days, seconds. */
export const LONGEST_SECONDS = 2_000_000;

const UNKNOWN_FIELDS = [
  'QueryLanguage',
  'Assign',
  'Arguments',
  'Output',
  'Items',
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'HeartbeatSeconds',
  'HeartbeatSecondsPath',
  'ToleratedFailureCount',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentage',
  'ToleratedFailurePercentagePath',
];

export const TASK_RESOURCES = {
  function: 'arn:aws:states:::lambda:invoke',
  execution: 'arn:aws:states:::states:startExecution.sync:2',
} as const;

/** The lists of states inside a Map or a Parallel. */
export const innerStates = (state: Json): States[] => {
  if (state.Type === 'Map') return [(state.ItemProcessor ?? state.Iterator) as States];
  return state.Type === 'Parallel' ? (state.Branches as States[]) : [];
};

/** Every state of a machine with its name, however deep. */
export function* everyState(
  states: States,
  depth = 0,
): Generator<{ name: string; state: Json; depth: number }> {
  for (const [name, state] of Object.entries(states.States)) {
    yield { name, state, depth };
    for (const inner of innerStates(state)) yield* everyState(inner, depth + 1);
  }
}

const findLanguage = (machine: States & Json): string[] => {
  const language = machine.QueryLanguage;
  return language === undefined || language === 'JSONPath'
    ? []
    : [`its QueryLanguage is ${String(language)}: the embedded engine runs JSONPath`];
};

const isUnknown = (state: Json, field: string): boolean =>
  state[field] !== undefined && !(field === 'QueryLanguage' && state[field] === 'JSONPath');

/** Context fields that the engine does not have, or has with another meaning inside a Map. */
const CONTEXT = /\$\$\.(?!Execution\.(?:Id|Name)\b|StateMachine\.(?:Id|Name)\b|Map\.Item\b)/;
const TOP_CONTEXT = /\$\$\.(?!Execution\.|StateMachine\.(?:Id|Name)\b|Map\.Item\b)/;

const findTaskRefusals = (state: Json): string[] => {
  const resource = String(state.Resource);
  const known = Object.values(TASK_RESOURCES) as string[];
  return known.includes(resource) ? [] : [`runs ${resource}, which the embedded engine does not`];
};

const findWaitRefusals = (state: Json): string[] =>
  Number(state.Seconds ?? 0) > LONGEST_SECONDS ? [`waits longer than ${LONGEST_SECONDS} s`] : [];

const findMapRefusals = (state: Json): string[] => {
  const { ProcessorConfig } = innerStates(state)[0] as unknown as Json;
  const distributed = (ProcessorConfig as Json | undefined)?.Mode === 'DISTRIBUTED';
  return distributed ? ['is a distributed Map'] : [];
};

const BY_TYPE: Record<string, (state: Json) => string[]> = {
  Task: findTaskRefusals,
  Wait: findWaitRefusals,
  Map: findMapRefusals,
  Pass: (state) => ('Result' in state && !state.Result ? ['has a Result that is empty'] : []),
};

/** The state's own text, without the states inside it. */
const ownText = (state: Json): string => {
  const { ItemProcessor, Iterator: iterator, Branches, ...own } = state;
  return JSON.stringify(own);
};

const findStateRefusals = (state: Json, depth: number): string[] => {
  const text = ownText(state);
  const refusals = UNKNOWN_FIELDS.filter((field) => isUnknown(state, field)).map(
    (field) => `uses ${field}, which the embedded engine ignores`,
  );
  refusals.push(...(BY_TYPE[String(state.Type)]?.(state) ?? []));
  if ((depth === 0 ? TOP_CONTEXT : CONTEXT).test(text))
    refusals.push('reads a context field ($$.) that the embedded engine does not have there');
  if (text.includes('States.JsonToString'))
    refusals.push('uses States.JsonToString, which loses backslashes in the embedded engine');
  return refusals;
};

/** By the definition's text: the validator compiles its schemas anew for each. */
const validated = new Map<string, string[]>();

const findValidatorErrors = (machine: States): string[] => {
  const text = JSON.stringify(machine);
  const known = validated.get(text);
  if (known) return known;
  // The validator writes into what it is given.
  const copy = JSON.parse(text) as States;
  const { isValid, errorsText } = validateDefinition(copy, { checkArn: true, checkPaths: true });
  const errors = isValid ? [] : errorsText('\n').split('\n');
  validated.set(text, errors);
  return errors;
};

/**
 * Why a machine cannot run in the embedded engine; empty when it can.
 *
 * Beside `asl-validator`, which accepts more than the engine runs, this names each state that would
 * be ignored in part: JSONata, Assign, distributed Maps, heartbeats, tolerated failures.
 */
export const findRefusals = (machine: States): string[] => {
  const problems = [...findLanguage(machine as States & Json), ...findValidatorErrors(machine)];
  if (problems.length > 0) return problems;
  const names = new Set<string>();
  for (const { name, state, depth } of everyState(machine)) {
    if (names.has(name)) problems.push(`state "${name}": its name is used twice`);
    names.add(name);
    problems.push(...findStateRefusals(state, depth).map((why) => `state "${name}": ${why}`));
  }
  return problems;
};
