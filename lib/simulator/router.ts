/** What a service is: routes written as `METHOD /path/:name`, and how it words its refusals. */
import type { IncomingMessage } from 'node:http';
import type { SimulatedCloud } from './cloud.ts';
import type { Fields, Segment } from './model.ts';
import type { Caller } from './policy.ts';
import { recordOf } from './reading.ts';
import type { Refusal } from './refusal.ts';

export interface Call {
  cloud: SimulatedCloud;
  method: string;
  /** Below the service's prefix, without the query. */
  path: string;
  query: URLSearchParams;
  body: Fields;
  /** Minor number of the microversion, e.g. 93 for compute 2.93. */
  version: number;
  requestId: string;
  who: Caller;
  request: IncomingMessage;
  param(name: string): string;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Bytes instead of a JSON body; both ends are included. */
  bytes?: { segments: Segment[]; from: number; to: number };
}

export type Handler = (call: Call) => Answer | Promise<Answer>;
export type Routes = Record<string, Handler>;

export interface Service {
  name: string;
  /** Below the cloud's prefix. */
  prefix: string;
  /** Answered without a token. */
  open: Routes;
  routes: Routes;
  /**
   * Minimum and maximum minor microversion, and the name in `OpenStack-API-Version`, or the header
   * that it has of its own.
   */
  versions?: { name: string; major: number; min: number; max: number; header?: string };
  refuse(refusal: Refusal, call: Call): Answer;
  /** Keys of routes whose body is not JSON and is read by the handler. */
  streams?: readonly string[];
}

export const ok = (body: unknown, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  body,
  headers,
});
export const created = (body: unknown, headers: Record<string, string> = {}): Answer => ({
  status: 201,
  body,
  headers,
});
export const accepted = (body?: unknown, headers: Record<string, string> = {}): Answer => ({
  status: 202,
  body,
  headers,
});
export const noContent = (): Answer => ({ status: 204 });

export interface Match {
  key: string;
  handler: Handler;
  params: Record<string, string>;
}

type Compiled = { key: string; method: string; pattern: RegExp; names: string[]; handler: Handler };

/** Finds the route of a call. Fixed words win over parameters; the order of writing decides the rest. */
export function routeTable(routes: Routes) {
  const compiled = Object.entries(routes).map(([key, handler]): Compiled => {
    const [method = '', path = ''] = key.split(' ');
    const names: string[] = [];
    const source = path.replace(/[.$]/g, '\\$&').replace(/:(\w+)/g, (_, name) => {
      names.push(name);
      return '([^/]+)';
    });
    return { key, method, pattern: new RegExp(`^${source}/?$`), names, handler };
  });
  compiled.sort((a, b) => a.names.length - b.names.length);
  return (method: string, path: string): Match | 'other method' | undefined => {
    const fits = compiled.filter((route) => route.pattern.test(path));
    const route = fits.find((one) => one.method === (method === 'HEAD' ? 'HEAD' : method));
    const chosen = route ?? (method === 'HEAD' ? fits.find((one) => one.method === 'GET') : route);
    if (!chosen) return fits.length > 0 ? 'other method' : undefined;
    const values = chosen.pattern.exec(path)?.slice(1).map(decodeURIComponent) ?? [];
    const params = Object.fromEntries(chosen.names.map((name, at) => [name, values[at] ?? '']));
    return { key: chosen.key, handler: chosen.handler, params };
  };
}

/** The object under the one key that a body of Keystone, Nova, Neutron or Cinder has. */
export const under = (call: Call, key: string): Fields => recordOf(call.body[key]);
