/**
 * What went wrong, as `application/problem+json`: the only place that turns names into statuses.
 * https://www.rfc-editor.org/rfc/rfc9457
 */
import { type ErrorName, isError, type PumphouseError } from '../domain/errors.ts';

interface Kind {
  status: number;
  title: string;
  /** What the caller can do about it. */
  advice?: string;
}

const AGAIN = 'Try again in a few seconds';
const ASK_CLOUD = "Look it up in the cloud's own logs by its request id";

const KINDS: Record<ErrorName, Kind> = {
  InvalidRequest: { status: 400, title: 'The request cannot be understood' },
  ResourceNotFound: { status: 404, title: 'There is no such thing' },
  OperationInProgress: {
    status: 409,
    title: 'Another operation is running',
    advice: 'Follow its events, and ask again when it has ended',
  },
  PlanBlocked: {
    status: 409,
    title: 'Something stands in the way',
    advice: 'Nothing has been changed; clear the obstacles and ask again',
  },
  ResourceConflict: { status: 409, title: 'What is there does not allow it' },
  CloudBusy: { status: 409, title: 'The cloud is still busy with it', advice: AGAIN },
  QuotaExceeded: {
    status: 409,
    title: 'A quota of the cloud is used up',
    advice: 'Raise the quota and ask again',
  },
  NotImplemented: { status: 501, title: 'This is not built yet' },
  CredentialsRefused: {
    status: 502,
    title: 'The cloud refuses our credentials',
    advice: 'Check the user and password in clouds.yaml',
  },
  Forbidden: {
    status: 502,
    title: 'The cloud does not let us do this',
    advice: 'Give our user the role that it needs in that cloud',
  },
  RequestRefused: { status: 502, title: 'The cloud refuses the request', advice: ASK_CLOUD },
  ResourceFailed: { status: 502, title: 'The cloud failed at it', advice: ASK_CLOUD },
  CopyCorrupted: { status: 502, title: 'The copy is not what was sent', advice: AGAIN },
  CloudUnavailable: { status: 503, title: 'The cloud does not answer', advice: AGAIN },
  StillWaiting: { status: 503, title: 'It is not ready yet', advice: AGAIN },
  DeadlineExceeded: { status: 504, title: 'It took too long', advice: AGAIN },
  OperationCancelled: { status: 409, title: 'The operation was cancelled' },
};

/** Seconds after which a cloud that did not answer may be tried again. */
const RETRY_AFTER = '5';

export interface ProblemAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

const slug = (name: string) => name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase();

const answer = (
  status: number,
  problem: Record<string, unknown>,
  headers: Record<string, string> = {},
): ProblemAnswer => ({
  statusCode: status,
  headers: {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...headers,
  },
  body: JSON.stringify(problem),
});

const sentences = (...parts: (string | undefined)[]) =>
  parts.flatMap((part) => (part ? [`${part.replace(/\.$/, '')}.`] : [])).join(' ');

const kindOf = ({ name, details }: PumphouseError): Kind =>
  name === 'InvalidRequest' && details.unprocessable === true
    ? { status: 422, title: 'The request cannot be met' }
    : KINDS[name];

/** The problem of an error of ours; of anything else one that says nothing of the inside. */
export const problem = (error: unknown, instance: string): ProblemAnswer => {
  if (!isError(error)) {
    return answer(500, {
      type: 'urn:pumphouse:internal',
      title: 'Pumphouse failed',
      status: 500,
      detail: 'This is a bug of Pumphouse. Its log names the request.',
      instance,
    });
  }
  const { status, title, advice } = kindOf(error);
  const { unprocessable: _unprocessable, ...details } = error.details;
  const { call } = error;
  const standard = {
    type: `urn:pumphouse:${slug(error.name)}`,
    title,
    status,
    detail: sentences(error.message, advice),
    instance,
  };
  // Twice: first in their place, and once more so that no detail can stand for them.
  const members = {
    ...standard,
    ...details,
    ...(Object.keys(call).length > 0 && { call }),
    ...standard,
  };
  return answer(status, members, status === 503 ? { 'retry-after': RETRY_AFTER } : {});
};

/** A request without a valid ticket. */
export const ticketRefused = (instance: string): ProblemAnswer =>
  answer(403, {
    type: 'urn:pumphouse:ticket-refused',
    title: 'The ticket does not open this',
    status: 403,
    detail: 'A ticket is valid for a minute. Ask the API again, and follow where it sends you.',
    instance,
  });
