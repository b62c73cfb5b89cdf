/**
 * Counts the events that AWS would write into an execution's history, of which it allows 25,000.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html lists them.
 */
import type { StateMachine } from 'aws-local-stepfunctions';
import type { Section } from './state-machine.ts';

export type EngineEvent =
  ReturnType<StateMachine['run']>['eventLogs'] extends AsyncGenerator<infer Event> ? Event : never;

export const HISTORY_LIMIT = 25_000;

const WORKING = new Set(['Task', 'Map', 'Parallel']);

/** Scheduled and started; a child execution is submitted, too; a Map or Parallel is started. */
const attemptEvents = (name: string, type: string, section: Section): number => {
  if (type !== 'Task') return WORKING.has(type) ? 1 : 0;
  const kind = section.tasks.get(name);
  if (kind === 'wait') return 0;
  return kind === 'execution' ? 3 : 2;
};

/** A Wait whose seconds come from the input is a task to the engine, not to AWS. */
const works = (name: string, type: string, section: Section): boolean =>
  WORKING.has(type) && section.tasks.get(name) !== 'wait';

/**
 * How many events of an AWS history one event of the engine stands for.
 *
 * A state is entered and exited; work in between is scheduled, started and succeeded or failed, and
 * scheduled again for each retry. Iterations are counted by who runs them (`state-run.ts`).
 */
export const countEvents = (event: EngineEvent, section: Section): number => {
  if (!('state' in event) || section.inner.has(event.state.name)) return 0;
  const { name, type } = event.state;
  const working = works(name, type, section) ? 1 : 0;
  if (event.type === 'StateEntered') return 1 + attemptEvents(name, type, section);
  if (event.type === 'StateRetried') return attemptEvents(name, type, section);
  if (event.type === 'StateExited') return 1 + working;
  if (event.type === 'StateFailed') return working;
  // What was caught is exited without having succeeded.
  return -working;
};
