/** Reads the body of `POST /hosts/{host_id}`: unknown fields are loud, the defaults are the careful ones. */
import { PumphouseError } from '../domain/errors.ts';
import type { EvacuationInput, OnError } from '../domain/operation.ts';

/** What is asked for: how, and whether it is only to be looked at. */
export interface EvacuationRequest {
  input: EvacuationInput;
  dryRun: boolean;
}

/** Servers at once; an inline Map of Step Functions runs 40 items at once and no more. */
const PARALLEL = { least: 1, most: 40, usual: 5 } as const;
/** Seconds that one server may take: memory by the hundred GiB goes over one network. */
const TIMEOUT = { least: 1, most: 86_400, usual: 14_400 } as const;
const ON_ERROR: readonly [OnError, ...OnError[]] = ['continue', 'stop', 'undo'];

const wrong = (field: string, message: string) =>
  new PumphouseError('InvalidRequest', `${field}: ${message}`, { details: { field } });

type Fields = Readonly<Record<string, unknown>>;

const wholeNumber = (fields: Fields, field: string, least: number, most: number) => {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw wrong(field, `takes a whole number from ${least} to ${most}`);
};

const yesOrNo = (fields: Fields, field: string) => {
  const value = fields[field] ?? false;
  if (typeof value === 'boolean') return value;
  throw wrong(field, 'takes true or false');
};

const onError = ({ on_error: value }: Fields): OnError => {
  const known = ON_ERROR.find((one) => one === (value ?? 'continue'));
  if (known) return known;
  throw wrong('on_error', `takes ${ON_ERROR.join(', ')}`);
};

/** A host or an aggregate of the source; which, the plan finds out. */
export const targetOf = ({ target }: Fields): { target?: string } => {
  if (target === undefined) return {};
  if (typeof target === 'string' && target.trim() !== '' && target.length <= 255) return { target };
  throw wrong('target', 'takes the name of a host or of an aggregate');
};

const forceOf = (fields: Fields, timeout: number): { forceComplete?: number } => {
  const forceComplete = wholeNumber(fields, 'force_complete', 1, TIMEOUT.most);
  if (forceComplete === undefined) return {};
  if (forceComplete < timeout) return { forceComplete };
  throw wrong('force_complete', `takes less seconds than timeout, which is ${timeout}`);
};

const keepOf = (fields: Fields, what: OnError) => {
  const keepBlocked = yesOrNo(fields, 'keep_blocked');
  if (!keepBlocked || what !== 'undo') return { keepBlocked };
  throw wrong('keep_blocked', 'does not go with on_error undo, which opens the host again');
};

const FIELDS = [
  ...['parallel', 'target', 'timeout', 'on_error'],
  ...['keep_blocked', 'force_complete', 'dry_run'],
];

const fieldsOf = (body: unknown): Fields => {
  const fields = body ?? {};
  if (typeof fields !== 'object' || Array.isArray(fields))
    throw wrong('body', 'takes a JSON object');
  const unknown = Object.keys(fields).filter((field) => !FIELDS.includes(field));
  if (unknown.length === 0) return fields as Fields;
  const said = `is not a field; there are ${FIELDS.join(', ')}`;
  throw new PumphouseError('InvalidRequest', `${unknown.join(', ')}: ${said}`, {
    details: { field: unknown[0], fields: unknown },
  });
};

/** @throws InvalidRequest naming the field in `details.field` */
export const evacuationInput = (body?: unknown): EvacuationRequest => {
  const fields = fieldsOf(body);
  const timeout = wholeNumber(fields, 'timeout', TIMEOUT.least, TIMEOUT.most) ?? TIMEOUT.usual;
  const what = onError(fields);
  return {
    input: {
      parallel: wholeNumber(fields, 'parallel', PARALLEL.least, PARALLEL.most) ?? PARALLEL.usual,
      ...{ timeout, onError: what },
      ...targetOf(fields),
      ...keepOf(fields, what),
      ...forceOf(fields, timeout),
    },
    dryRun: yesOrNo(fields, 'dry_run'),
  };
};

/** The options as the request speaks of them, for whoever asks how it was begun. */
export const evacuationOptions = (input: EvacuationInput): Record<string, unknown> => ({
  ...{ parallel: input.parallel, timeout: input.timeout, on_error: input.onError },
  keep_blocked: input.keepBlocked,
  ...(input.target !== undefined && { target: input.target }),
  ...(input.forceComplete !== undefined && { force_complete: input.forceComplete }),
  ...(input.schedule && { schedule: input.schedule }),
});
