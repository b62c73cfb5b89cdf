import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FunctionFailure, type FunctionSpec, Functions } from '../../lib/local/functions.ts';
import { type Gateway, startGateway } from '../../lib/local/gateway.ts';
import { installStreaming } from '../../lib/local/response-stream.ts';

const root = join(import.meta.dirname, 'fixtures');
const spec = (key: string, timeout = 6): FunctionSpec => ({
  key,
  name: `pumphouse-${key}`,
  handler: `functions/${key}.handler`,
  timeout,
  memoryMiB: 256,
});

let gateway: Gateway;
let seen: { closed: number; written: number };
const reports: [string, FunctionFailure][] = [];

beforeAll(async () => {
  installStreaming();
  gateway = await startGateway({
    report: (key, error) => reports.push([key, error as FunctionFailure]),
    integrationTimeout: 300,
  });
  process.env.FEED_URL = gateway.functionUrl('feed');
});
afterAll(() => gateway.stop());

const get = (path: string, init: RequestInit = {}) => fetch(`${gateway.url}${path}`, init);

const rawStatus = (path: string, headers: Record<string, string>, method = 'POST') =>
  new Promise<number | undefined>((resolve, reject) => {
    const options = { port: gateway.port, host: '127.0.0.1', path, method, headers };
    const request = httpRequest(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject);
    request.end();
  });

describe('before it is opened', () => {
  it('every request gets 503', async () => {
    expect((await get('/resources')).status).toBe(503);
  });
});

describe('a gateway', () => {
  beforeAll(async () => {
    const specs = [spec('echo'), spec('shapes'), spec('feed', 1), spec('redirect')];
    const functions = await Functions.load(root, specs);
    ({ seen } = await import('./fixtures/functions/feed.ts'));
    gateway.open({
      functions,
      urls: ['feed', 'echo'],
      routes: [
        { method: 'GET', path: '/echo', functionKey: 'echo' },
        { method: 'POST', path: '/echo/{name}', functionKey: 'echo' },
        { method: 'POST', path: '/echo/fixed', functionKey: 'shapes' },
        { method: 'GET', path: '/shapes/{shape}', functionKey: 'shapes' },
        { method: 'GET', path: '/events/{id}', functionKey: 'redirect' },
      ],
    });
  });

  it('hands a request to its function as API Gateway does', async () => {
    const response = await get('/echo/a%20b?x=1&x=2&y=%C3%A9', {
      method: 'POST',
      headers: { 'X-Thing': 'One', 'Content-Type': 'application/json', Cookie: 'c=1; d=2' },
      body: '{"a":1}',
    });
    expect(await response.json()).toMatchObject({
      version: '2.0',
      routeKey: 'POST /echo/{name}',
      rawQueryString: 'x=1&x=2&y=%C3%A9',
      queryStringParameters: { x: '1,2', y: 'é' },
      pathParameters: { name: 'a b' },
      headers: { 'x-thing': 'One' },
      cookies: ['c=1', 'd=2'],
      requestContext: { http: { method: 'POST', sourceIp: '127.0.0.1' }, stage: '$default' },
      body: '{"a":1}',
      isBase64Encoded: false,
    });
  });

  it('hands on a body that is not text as base64', async () => {
    const headers = { 'content-type': 'application/gzip' };
    const body = Buffer.from([0, 255, 1]);
    const response = await get('/echo/x', { method: 'POST', headers, body });
    expect(await response.json()).toMatchObject({ body: 'AP8B', isBase64Encoded: true });
  });

  it('answers with status, headers and cookies of the result', async () => {
    const response = await get('/echo');
    expect(response.headers.get('x-from')).toBe('echo');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const event = (await response.json()) as object;
    expect(event).not.toHaveProperty('body');
    expect(event).not.toHaveProperty('queryStringParameters');
  });

  it('takes a result without a status as JSON, decodes base64, and sends no body with 204', async () => {
    const plain = await get('/shapes/plain');
    expect([plain.status, await plain.json()]).toEqual([200, { a: 1 }]);
    const bytes = Buffer.from(await (await get('/shapes/base64')).arrayBuffer());
    expect([...bytes]).toEqual([0, 1, 2]);
    expect((await get('/shapes/empty')).status).toBe(204);
  });

  it('answers 404 to what no route takes, whatever the method', async () => {
    for (const [path, method] of [
      ['/nothing', 'GET'],
      ['/echo', 'POST'],
      ['/echo', 'HEAD'],
      ['/echo', 'OPTIONS'],
      ['/lambda-url/shapes/', 'GET'],
    ] as const) {
      const response = await get(path, { method });
      expect(response.status).toBe(404);
      if (method !== 'HEAD') expect(await response.json()).toEqual({ message: 'Not Found' });
    }
  });

  it('prefers the fixed route to the one with a parameter', async () => {
    const response = await get('/echo/fixed', { method: 'POST' });
    expect(response.status).toBe(500);
    expect(reports.at(-1)?.[0]).toBe('shapes');
  });

  it.each(['throws', 'large', 'object', 'status'])(
    'answers 500 and tells nothing when the function %s',
    async (shape) => {
      const response = await get(`/shapes/${shape}`);
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({ message: 'Internal Server Error' });
      expect(reports.at(-1)?.[0]).toBe('shapes');
    },
  );

  it('answers 503 when the function does not answer in time', async () => {
    const response = await get('/shapes/never');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: 'Service Unavailable' });
  });

  it('answers 413 above 10 MB and 400 to a path that is no text', async () => {
    const body = Buffer.alloc(10 * 1024 * 1024 + 1);
    expect((await get('/echo/x', { method: 'POST', body })).status).toBe(413);
    expect((await get('/echo/%E0%A4%A', { method: 'POST' })).status).toBe(400);
  });

  it('refuses requests of foreign pages and under foreign names', async () => {
    const own = `127.0.0.1:${gateway.port}`;
    const status = (headers: Record<string, string>) => rawStatus('/echo/x', headers);
    expect(await status({ origin: 'https://evil.example' })).toBe(403);
    expect(await status({ origin: 'null' })).toBe(403);
    expect(await status({ origin: `https://${own}` })).toBe(403);
    expect(await status({ host: `evil.example:${gateway.port}` })).toBe(403);
    expect(await status({ host: '127.0.0.1' })).toBe(403);
    expect(await status({ origin: `http://${own}` })).toBe(200);
    const response = await get('/echo/x', { method: 'POST', headers: { origin: 'null' } });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  describe('streaming', () => {
    it('serves a function URL with its path and query', async () => {
      const response = await get('/lambda-url/feed/events/7?a=b', {
        headers: { 'last-event-id': '3' },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      const event = JSON.parse((await response.text()).slice('data: '.length));
      expect(event).toMatchObject({
        rawPath: '/events/7',
        queryStringParameters: { a: 'b' },
        headers: { 'last-event-id': '3' },
        routeKey: '$default',
      });
    });

    it('answers on one host where AWS would redirect to the function URL', async () => {
      const response = await fetch(`${gateway.url}/events/1?ticket=t`, {
        redirect: 'error',
        headers: { 'last-event-id': '9' },
      });
      expect(response.status).toBe(200);
      const event = JSON.parse((await response.text()).slice('data: '.length));
      expect(event).toMatchObject({
        rawPath: '/events/1',
        rawQueryString: 'ticket=t',
        headers: { 'last-event-id': '9' },
      });
    });

    it('sends a status without a body', async () => {
      const response = await get('/events/1?status=204');
      expect([response.status, await response.text()]).toEqual([204, '']);
    });

    it('serves a buffered function at its URL, too', async () => {
      const response = await get('/lambda-url/echo/a/b', { method: 'PUT', body: 'x' });
      expect(await response.json()).toMatchObject({ rawPath: '/a/b', body: 'x' });
    });

    it('tells the handler when the client hangs up', async () => {
      const before = seen.closed;
      const controller = new AbortController();
      const response = await get('/events/1?way=stay', { signal: controller.signal });
      await response.body?.getReader().read();
      controller.abort();
      await expect.poll(() => seen.closed).toBe(before + 1);
    });

    it('holds back the writer when the client does not read', async () => {
      seen.written = 0;
      const controller = new AbortController();
      const response = await get('/events/1?way=pour', { signal: controller.signal });
      await response.body?.getReader().read();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(seen.written).toBeLessThan(1000);
      controller.abort();
    });

    it('cuts the connection at the time limit of the function', async () => {
      const response = await get('/events/1?way=stay');
      await expect(response.text()).rejects.toThrow();
      expect(reports.at(-1)?.[1]).toMatchObject({ name: 'Sandbox.Timedout' });
    });

    it('cuts the connection when the handler fails half way, and answers 502 before', async () => {
      const response = await get('/events/1?way=break');
      await expect(response.text()).rejects.toThrow();
      expect((await get('/events/1?way=fail')).status).toBe(502);
    });
  });
});
