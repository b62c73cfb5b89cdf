/**
 * The door of every local server. The embedded run needs no token, so it must not be reachable by a
 * web page that happens to be open in a browser on the same machine: a page is told by its `Origin`,
 * and a page behind a rebound name by its `Host`.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/** The largest body that API Gateway passes on, bytes. */
export const MAX_REQUEST_BYTES = 10 * 1024 * 1024;

/** Raised for a body that is larger than its server takes. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** Why a request may not come in, or nothing when it may. */
const findIntrusion = (request: IncomingMessage): string | undefined => {
  const port = request.socket.localPort;
  const ours = [`${LOOPBACK}:${port}`, `localhost:${port}`];
  const { host, origin } = request.headers;
  if (!ours.includes(host ?? '')) return 'this service answers to its own host name alone';
  if (origin !== undefined && !ours.some((name) => origin === `http://${name}`))
    return 'this service takes no requests from pages of other sites';
  return undefined;
};

const refuse = (response: ServerResponse, detail: string): void => {
  const problem = { type: 'about:blank', title: 'Forbidden', status: 403, detail };
  response.writeHead(403, { 'content-type': 'application/problem+json', connection: 'close' });
  response.end(JSON.stringify(problem));
};

/** Wraps a listener so that requests with a foreign `Origin` or `Host` get 403 and never reach it. */
export const guarded =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    const intrusion = findIntrusion(request);
    if (intrusion) refuse(response, intrusion);
    else listener(request, response);
  };

/**
 * Reads a whole body. One that is too large is read to its end, too, and dropped: a client that is
 * still sending would not see the answer otherwise.
 * @throws BodyTooLarge beyond `limit` bytes; the network's own error when the client goes away
 */
export const readBody = async (request: IncomingMessage, limit: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= limit) chunks.push(chunk as Buffer);
  }
  if (size > limit) throw new BodyTooLarge(`the body is larger than ${limit} bytes`);
  return Buffer.concat(chunks);
};

export interface LoopbackServer {
  readonly port: number;
  readonly url: string;
  /** Stops listening and cuts what is still connected. */
  close(): Promise<void>;
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/**
 * Makes a server listen on loopback; its listener must be `guarded`.
 * @param port 0 for a free one
 * @throws the system's EADDRINUSE or EACCES
 */
export const bindToLoopback = async (server: Server, port = 0): Promise<LoopbackServer> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = (server.address() as AddressInfo).port;
  return { port: bound, url: `http://${LOOPBACK}:${bound}`, close: () => closeServer(server) };
};

/** A new server on loopback, behind the guard; see `bindToLoopback`. */
export const listenOnLoopback = (listener: RequestListener, port = 0): Promise<LoopbackServer> =>
  bindToLoopback(createServer({ keepAliveTimeout: 65_000 }, guarded(listener)), port);
