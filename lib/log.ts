/** Structured JSON logs; every line of an operation bears its id. Bodies, tokens and secrets never enter. */
import { Logger } from '@aws-lambda-powertools/logger';
import { isError } from './domain/errors.ts';

export const log = new Logger({ serviceName: 'pumphouse' });

/** What of an error may be logged: its name, sentence and failed call, never a body. */
export const errorFields = (error: unknown) => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return isError(error)
    ? { error: { name, message, call: error.call } }
    : { error: { name, message, stack: error instanceof Error ? error.stack : undefined } };
};
