/** Called when an execution failed, timed out or was aborted: ends its operation with the last event. */
import { closing } from '../lib/closing.ts';
import { log } from '../lib/log.ts';
import { runtime } from '../lib/runtime.ts';
import { closeDead } from '../lib/sweep.ts';

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
interface StatusChange {
  detail: {
    name: string;
    status: string;
    /** JSON, as the execution was started with it. */
    input: string;
  };
}

export const handler = async ({ detail: { name, status, input } }: StatusChange): Promise<void> => {
  const { operation } = JSON.parse(input) as { operation: string };
  const done = await closeDead(runtime(), { operation, name }, closing(runtime()));
  log.warn(`an execution has ended as ${status}; its operation is ${done}`, { operation });
};
