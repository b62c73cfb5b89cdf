/**
 * The closed set of failures Pumphouse speaks of. Step Functions matches errors by `name` and by
 * nothing else, so a name is an interface: adding one means a row in every `Retry` that should know it.
 */

export const ERROR_NAMES = [
  'CloudUnavailable',
  'CloudBusy',
  'CredentialsRefused',
  'Forbidden',
  'ResourceNotFound',
  'ResourceConflict',
  'ResourceFailed',
  'QuotaExceeded',
  'RequestRefused',
  'DeadlineExceeded',
  'CopyCorrupted',
  'OperationInProgress',
  'OperationCancelled',
  'InvalidRequest',
  'NotImplemented',
  'PlanBlocked',
  'StillWaiting',
] as const;

export type ErrorName = (typeof ERROR_NAMES)[number];

/** What the failed call was, for the operator and for the OpenStack side's own logs. Never a token. */
export interface CallDetails {
  cloud?: string;
  method?: string;
  /** Path and query without the host. */
  path?: string;
  status?: number;
  /** `x-openstack-request-id` of the answer. */
  requestId?: string;
}

/** Every failure Pumphouse raises on purpose. Anything else that is thrown is a bug. */
export class PumphouseError extends Error {
  override readonly name: ErrorName;
  readonly call: CallDetails;
  /** More for the problem answer: the fields that differ, what blocks, the stream to read. */
  readonly details: Record<string, unknown>;

  constructor(
    name: ErrorName,
    message: string,
    more: { call?: CallDetails; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = name;
    this.call = more.call ?? {};
    this.details = more.details ?? {};
  }
}

/** True when `error` is ours and bears one of the names. */
export const isError = (error: unknown, ...names: ErrorName[]): error is PumphouseError =>
  error instanceof PumphouseError && (names.length === 0 || names.includes(error.name));
