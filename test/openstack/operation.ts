/** An operation of the service as a user sees it: what began it, and what is told of it. */
import { expect } from 'vitest';
import { eventsOf, type StreamEvent } from '../support/event-stream.ts';
import type { RunningService } from '../support/running-service.ts';

type Service = Pick<RunningService, 'url'>;

/** The id of what a call has begun. */
export const begun = async (answer: Response): Promise<string> => {
  const text = await answer.text();
  expect(answer.status, text).toBe(201);
  return String(JSON.parse(text).id);
};

/** An image's way by the tenth is no part of the story. */
const isPrinted = ({ name }: StreamEvent) => name !== 'image uploading';

/** Everything that is told of an operation, to its end; printed, since it is the story of the run. */
export const toldOf = async ({ url }: Service, operation: string): Promise<StreamEvent[]> => {
  const heard = await Array.fromAsync(eventsOf(`${url}/events/${operation}`));
  const lines = heard.filter(isPrinted).map(({ name, data }) => `${name} ${JSON.stringify(data)}`);
  console.log(lines.join('\n'));
  return heard;
};
