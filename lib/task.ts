/** What every task of a state machine is wrapped in. */
import { isError } from './domain/errors.ts';
import { errorFields, log } from './log.ts';
import { type Runtime, runtime } from './runtime.ts';

/** Every execution speaks of one operation; what else it carries are ids. */
export interface TaskInput {
  operation: string;
}

export type Task<I extends TaskInput, O> = (runtime: Runtime, input: I) => Promise<O>;

/**
 * Makes a Lambda handler of a task. The error's name goes out as it is, since Step Functions
 * matches names; a wait that goes on is no error worth a line.
 */
export const task =
  <I extends TaskInput, O>(work: Task<I, O>) =>
  async (input: I): Promise<O> => {
    log.resetKeys();
    log.appendKeys({ operation: input.operation });
    try {
      return await work(runtime(), input);
    } catch (error) {
      if (!isError(error, 'StillWaiting')) log.error('task failed', errorFields(error));
      throw error;
    }
  };

/** How a failure arrives at a state that catches it: `ResultPath: $.failure`. */
export interface Failure {
  Error?: string;
  Cause?: string;
}

/** The sentence behind a caught failure, for people. */
export const reasonOf = ({ Error: name, Cause: cause }: Failure = {}): string => {
  try {
    const { errorMessage } = JSON.parse(cause ?? '') as { errorMessage?: string };
    if (errorMessage) return errorMessage;
  } catch {
    // A cause that is not JSON is the sentence itself.
  }
  return cause || name || 'unknown';
};
