/**
 * Runs Lambda functions in this process as the Lambda runtime would: JSON in, JSON out, a context, a
 * time limit, and errors known by their type.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import { isStreaming, type ResponseStream } from './response-stream.ts';

export interface FunctionSpec {
  /** Its key in `serverless.yml`. */
  key: string;
  /** Its name on AWS. */
  name: string;
  /** Module and export, `functions/get-resources.handler`. */
  handler: string;
  /** Seconds. */
  timeout: number;
  memoryMiB: number;
}

export type Handler = (event: unknown, ...more: unknown[]) => unknown;

/** The failure of a function, as its callers see it: the error's type as name, the rest as JSON. */
export class FunctionFailure extends Error {
  override readonly name: string;
  /** What the handler threw; nothing when it ran out of time. */
  readonly thrown: unknown;

  constructor(errorType: string, errorMessage: string, thrown?: unknown) {
    super(JSON.stringify({ errorType, errorMessage, trace: [] }));
    this.name = errorType;
    this.thrown = thrown;
  }
}

const asFailure = (thrown: unknown): FunctionFailure => {
  if (thrown instanceof FunctionFailure) return thrown;
  if (thrown instanceof Error) return new FunctionFailure(thrown.name, thrown.message, thrown);
  return new FunctionFailure(typeof thrown, String(thrown), thrown);
};

const lambdaContext = (spec: FunctionSpec): Context => {
  const deadline = performance.now() + spec.timeout * 1000;
  const unused = (): void => {};
  return {
    awsRequestId: randomUUID(),
    callbackWaitsForEmptyEventLoop: true,
    functionName: spec.name,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn(spec.key),
    logGroupName: `/aws/lambda/${spec.name}`,
    logStreamName: 'local',
    memoryLimitInMB: String(spec.memoryMiB),
    getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()),
    done: unused,
    fail: unused,
    succeed: unused,
  };
};

const ARN_PREFIX = 'arn:aws:lambda:us-east-1:000000000000:function:';

/** The ARN of a function of the embedded run; its last part is the function's key. */
export const functionArn = (key: string): string => `${ARN_PREFIX}${key}`;

const load = async (root: string, spec: FunctionSpec): Promise<Handler> => {
  const dot = spec.handler.lastIndexOf('.');
  const file = join(root, `${spec.handler.slice(0, dot)}.ts`);
  const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const handler = exported[spec.handler.slice(dot + 1)];
  if (typeof handler === 'function') return handler as Handler;
  throw new Error(`function ${spec.key}: ${spec.handler} is not a function`);
};

/** Ends waiting for `work` at the function's time limit; what runs on cannot be stopped. */
const within = async <T>(work: Promise<T>, spec: FunctionSpec): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = `Task timed out after ${spec.timeout.toFixed(2)} seconds`;
  const expire = () => reject(new FunctionFailure('Sandbox.Timedout', message));
  const timer = setTimeout(expire, spec.timeout * 1000);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
};

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

/** The functions of a service, loaded from its folder. Set the environment before. */
export class Functions {
  readonly #loaded: Map<string, { spec: FunctionSpec; handler: Handler }>;

  private constructor(loaded: Map<string, { spec: FunctionSpec; handler: Handler }>) {
    this.#loaded = loaded;
  }

  /** @throws Error when a module cannot be loaded or does not export its handler */
  static async load(root: string, specs: FunctionSpec[]): Promise<Functions> {
    const loaded = new Map<string, { spec: FunctionSpec; handler: Handler }>();
    for (const spec of specs) loaded.set(spec.key, { spec, handler: await load(root, spec) });
    return new Functions(loaded);
  }

  #find(keyOrArn: string) {
    const found = this.#loaded.get(keyOrArn.replace(ARN_PREFIX, ''));
    if (found) return found;
    throw new FunctionFailure('Lambda.ResourceNotFoundException', `no function ${keyOrArn}`);
  }

  streams(key: string): boolean {
    return isStreaming(this.#find(key).handler);
  }

  /**
   * Invokes a function by key or ARN and answers its result.
   * @throws FunctionFailure named like the error the handler threw, or `Sandbox.Timedout`
   */
  async invoke(keyOrArn: string, event: unknown): Promise<unknown> {
    const { spec, handler } = this.#find(keyOrArn);
    const call = async () => throughJson(await handler(throughJson(event), lambdaContext(spec)));
    return within(call(), spec).catch((thrown) => {
      throw asFailure(thrown);
    });
  }

  /**
   * Runs a streaming function; whoever called it destroys the stream when it fails.
   * @throws FunctionFailure, also at the time limit, but not when the client has gone
   */
  async stream(key: string, event: unknown, stream: ResponseStream): Promise<void> {
    const { spec, handler } = this.#find(key);
    const call = async () => {
      await handler(throughJson(event), stream, lambdaContext(spec));
      if (!stream.writableEnded) stream.end();
    };
    await within(call(), spec).catch((thrown) => {
      if (!stream.destroyed) throw asFailure(thrown);
    });
  }
}
