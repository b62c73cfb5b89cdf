/** What the streaming handler is wrapped in: Lambda's response stream, and a reader who may hang up. */
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { errorFields, log } from '../log.ts';
import { answerProblem } from './api.ts';

export interface StreamedAnswer {
  statusCode: number;
  headers?: Record<string, string>;
  /** Text written as it comes, at the reader's pace. */
  body?: Iterable<string> | AsyncIterable<string>;
}

type Respond = (event: APIGatewayProxyEventV2, gone: AbortSignal) => Promise<StreamedAnswer>;

const respondOrExplain = async (
  respond: Respond,
  event: APIGatewayProxyEventV2,
  gone: AbortSignal,
): Promise<StreamedAnswer> => {
  try {
    return await respond(event, gone);
  } catch (error) {
    const { statusCode = 500, headers = {}, body = '' } = answerProblem(event, error);
    return { statusCode, headers: headers as Record<string, string>, body: [body] };
  }
};

/**
 * Writes an answer to the response stream and ends it. A reader who hangs up ends it too: `gone`
 * tells the body, and that is no failure. A body that fails in the middle cuts the connection, so
 * that the reader comes back for the rest.
 */
export const writeAnswer = async (
  { statusCode, headers = {}, body = [] }: StreamedAnswer,
  stream: Writable,
  gone: AbortSignal,
): Promise<void> => {
  const out = awslambda.HttpResponseStream.from(stream, { statusCode, headers });
  // Without a first write the status and headers would not be sent.
  out.write('');
  try {
    await pipeline(Readable.from(body), out);
  } catch (error) {
    if (!gone.aborted) log.error('stream failed', errorFields(error));
  }
};

/** A handler behind the streaming Lambda URL. */
export const streaming = (respond: Respond) =>
  awslambda.streamifyResponse(async (event: APIGatewayProxyEventV2, stream: Writable) => {
    const reader = new AbortController();
    stream.once('close', () => reader.abort());
    const answer = await respondOrExplain(respond, event, reader.signal);
    await writeAnswer(answer, stream, reader.signal);
  });
