/**
 * `node stream-function.ts FOLDER HANDLER`: runs the packaged streaming function the way Lambda does,
 * piece by piece as the handler writes, and prints the URL it answers at. The environment is that of
 * the deployed function.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { toEvent } from '../../lib/local/http-event.ts';
import { installStreaming, ResponseStream } from '../../lib/local/response-stream.ts';

const [, , folder = '', handler = ''] = process.argv;
const [module = '', exported = ''] = handler.split('.');

installStreaming();
const load = createRequire(import.meta.url);
const { [exported]: handle } = load(join(folder, module));

const answer = async (request: IncomingMessage, response: ServerResponse) => {
  const source = { routeKey: '$default', body: Buffer.alloc(0), apiId: 'stream' };
  const event = toEvent(request, { ...source, target: request.url ?? '/' });
  const stream = new ResponseStream(response);
  await handle(event, stream, {});
  stream.end();
};

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}\n`);
});
process.stdin.resume().once('end', () => process.exit(0));
