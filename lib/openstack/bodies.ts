/** Images on their way: bodies of any size in constant memory, watched for standing still. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { PumphouseError } from '../domain/errors.ts';
import type { ByteStream } from '../ports.ts';
import { failureOfConnection } from './failure.ts';
import { type Answer, describe, type OutgoingRequest, type Wire } from './request.ts';

/** An answer whose body has not been read. */
export interface OpenAnswer extends Omit<Answer, 'text'> {
  body: Readable;
}

/** Bytes read ahead of whoever consumes; beyond it the cloud has to wait. */
const READ_AHEAD = 256 * 1024;

/** Fed by the connection, throttled by its reader; destroyed, it ends the connection. */
class IncomingBody extends Readable {
  /** Bytes, if the cloud said so: then fewer are an error, not an end. */
  readonly announced: number | undefined;
  readonly #controller: Dispatcher.DispatchController;

  constructor(controller: Dispatcher.DispatchController, announced: number | undefined) {
    super({ highWaterMark: READ_AHEAD });
    this.#controller = controller;
    this.announced = announced;
  }

  feed(chunk: Buffer): void {
    if (!this.push(chunk)) this.#controller.pause();
  }

  override _read(): void {
    if (this.#controller.paused) this.#controller.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.readableEnded) this.#controller.abort(error ?? new Error('no longer wanted'));
    done(error);
  }
}

/**
 * Sends a request without a body and hands back the answer as soon as its headers are there. `idle`:
 * milliseconds without a byte from the cloud after which the body fails; the time that the reader
 * takes does not count. A body shorter than its Content-Length fails.
 *
 * Errors of the body: CloudUnavailable. Rejects with the connection's own error.
 */
export const openBody = (wire: Wire, request: OutgoingRequest, idle: number): Promise<OpenAnswer> =>
  new Promise((resolve, reject) => {
    let body: IncomingBody | undefined;
    const { url, method, headers } = request;
    wire.agent.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers,
        headersTimeout: idle,
        bodyTimeout: idle,
      },
      {
        onRequestStart: () => {},
        onResponseStart: (controller, status, answered) => {
          if (status < 200) return;
          const length = answered['content-length'];
          body = new IncomingBody(controller, length === undefined ? undefined : Number(length));
          resolve({ status, headers: answered, body });
        },
        onResponseData: (_controller, chunk) => body?.feed(chunk),
        onResponseEnd: () => body?.push(null),
        onResponseError: (_controller, error) => {
          if (body === undefined) reject(error);
          else body.destroy(failureOfConnection(describe(wire, request), error));
        },
      },
    );
  });

const wrongLength = (call: ReturnType<typeof describe>, sent: number, size: number) =>
  new PumphouseError(
    'CopyCorrupted',
    `the body for ${call.cloud} ${call.service} has ${sent} bytes where ${size} were announced`,
    { call: { cloud: call.cloud, method: call.method, path: call.path } },
  );

/**
 * Sees a body pass without pulling it: aborts when nothing has passed for `idle` milliseconds, when it
 * is destroyed, and when it ends too short. That has to come before its end is sent: Glance makes an image `active` out
 * of whatever is properly ended, whatever its length.
 */
const guard = (call: ReturnType<typeof describe>, { body, size }: ByteStream, idle: number) => {
  const abort = new AbortController();
  let sent = 0;
  let touched = performance.now();
  body.pause();
  body.on('data', (chunk: Buffer) => {
    sent += chunk.length;
    touched = performance.now();
  });
  body.once('end', () => {
    touched = performance.now();
    if (size !== undefined && sent !== size) abort.abort(wrongLength(call, sent, size));
  });
  body.once('close', () => {
    if (!body.readableEnded) abort.abort(body.errored ?? new Error('the body was given up'));
  });
  const timer = setInterval(() => {
    if (performance.now() - touched < idle) return;
    abort.abort(Object.assign(new Error('stood still'), { code: 'ETIMEDOUT' }));
  }, idle / 4);
  return {
    signal: abort.signal,
    /** The failure that matters when the request has failed with `error`. */
    failure: (error: unknown): unknown =>
      size !== undefined && sent > size ? wrongLength(call, sent, size) : error,
    stop: () => clearInterval(timer),
  };
};

async function* chunksOf(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  yield* body as AsyncIterable<Buffer>;
}

/**
 * What undici is given to send. A stream that is already at its end undici sends as of no length,
 * whatever was announced, so only a body that cannot end early goes as it is (which takes a quarter
 * less of the processor), and any other chunk by chunk.
 */
const outgoing = ({ body, size }: ByteStream): Readable =>
  body instanceof IncomingBody && size !== undefined && body.announced === size
    ? body
    : (chunksOf(body) as unknown as Readable);

/**
 * Sends a body once; it cannot be sent again. `idle`: milliseconds without a byte sent, or without an
 * answer after the last one, after which it fails. Whatever happens, the body is used up or destroyed
 * afterwards, and when it fails the connection is cut without a proper end.
 *
 * Errors: CloudUnavailable, CopyCorrupted when the body has another length than its size, and what
 * the body itself fails with.
 */
export const sendBody = async (
  wire: Wire,
  request: OutgoingRequest,
  bytes: ByteStream,
  idle: number,
): Promise<Answer> => {
  const { url, method, headers } = request;
  const call = describe(wire, request);
  const { signal, failure, stop } = guard(call, bytes, idle);
  try {
    const {
      statusCode,
      headers: answered,
      body,
    } = await wire.agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers:
        bytes.size === undefined ? headers : { ...headers, 'content-length': `${bytes.size}` },
      body: outgoing(bytes),
      headersTimeout: 0,
      bodyTimeout: idle,
      signal,
    });
    return { status: statusCode, headers: answered, text: await body.text() };
  } catch (error) {
    throw failureOfConnection(call, failure(error));
  } finally {
    stop();
    bytes.body.destroy();
  }
};
