/**
 * The half of Lambda's response streaming that lives in its runtime: the global `awslambda`, and the
 * stream that a handler writes its answer to.
 * https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html
 */
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';

/** The mark that the Lambda runtime looks for. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

export interface StreamMetadata {
  statusCode?: number;
  headers?: Record<string, string>;
  cookies?: string[];
}

/**
 * A streamed answer. Status and headers go out with the first write or at the end; a slow client
 * holds the writer back; a client that goes away destroys the stream, which the handler hears as
 * `close`.
 */
export class ResponseStream extends Writable {
  readonly #response: ServerResponse;
  #metadata: StreamMetadata = {};
  #contentType = 'application/octet-stream';

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
    response.once('close', () => this.destroy());
    // What fails is told to the handler by its own call; nobody else needs to listen.
    this.on('error', () => {});
  }

  setContentType(contentType: string): void {
    this.#contentType = contentType;
  }

  describe(metadata: StreamMetadata): void {
    this.#metadata = metadata;
  }

  #sendHead(): void {
    if (this.#response.headersSent) return;
    const { statusCode = 200, headers = {}, cookies } = this.#metadata;
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    this.#response.writeHead(statusCode, {
      ...(statusCode === 204 || statusCode === 304 ? {} : { 'content-type': this.#contentType }),
      ...Object.fromEntries(lower),
      ...(cookies ? { 'set-cookie': cookies } : {}),
    });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#sendHead();
    if (this.#response.write(chunk)) done();
    else this.#response.once('drain', done);
  }

  override _final(done: () => void): void {
    this.#sendHead();
    this.#response.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What was written in this turn still goes out.
    setImmediate(() => {
      if (!this.#response.writableFinished) this.#response.destroy();
    });
    done(error);
  }
}

type Streamed = ((...given: unknown[]) => unknown) & { [STREAMING]?: string };

export const isStreaming = (handler: unknown): boolean =>
  (handler as Streamed)[STREAMING] === 'response';

/** Sets the global `awslambda` that streaming handlers use when they are loaded. */
export const installStreaming = (): void => {
  const awslambda = {
    streamifyResponse(handler: Streamed): Streamed {
      handler[STREAMING] = 'response';
      return handler;
    },
    HttpResponseStream: {
      from(stream: ResponseStream, metadata: StreamMetadata): ResponseStream {
        stream.describe(metadata);
        return stream;
      },
    },
  };
  Object.assign(globalThis, { awslambda });
};
