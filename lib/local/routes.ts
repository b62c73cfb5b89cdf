/** Which function a request goes to, chosen as API Gateway (HTTP API) chooses: the most specific route. */

export interface Route {
  /** `GET`, …, or `ANY`. */
  method: string;
  /** `/tenants/{tenant_id}`, `/{proxy+}`; `$default` takes what nothing else does. */
  path: string;
  functionKey: string;
}

export interface Match {
  route: Route;
  /** The route as API Gateway names it, `GET /resources`. */
  routeKey: string;
  pathParameters: Record<string, string>;
}

interface Compiled extends Route {
  pattern: RegExp;
  names: string[];
  /** Sorts routes: fixed segments before parameters before greedy ones, a method before ANY. */
  rank: string;
}

const PARAMETER = /^\{(.+?)(\+?)\}$/;

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const compile = (route: Route): Compiled => {
  if (route.path === '$default') return { ...route, pattern: /^/, names: [], rank: '9' };
  const segments = route.path.split('/').slice(1);
  const parts = segments.map((segment) => ({ segment, found: PARAMETER.exec(segment) }));
  const pattern = parts.map(({ segment, found }) => {
    if (!found) return escapeRegExp(segment);
    return found[2] ? '(.+)' : '([^/]+)';
  });
  const ranks = parts.map(({ found }) => (found ? (found[2] ? '2' : '1') : '0'));
  return {
    ...route,
    pattern: new RegExp(`^/${pattern.join('/')}$`),
    names: parts.flatMap(({ found }) => found?.[1] ?? []),
    rank: `${ranks.join('')}${route.method === 'ANY' ? '2' : '1'}`,
  };
};

/**
 * Builds a lookup of routes.
 * @returns a function from method and raw path to the match, or nothing (404, also when only the
 * method is wrong); it throws URIError for a path that is not percent-encoded text
 */
export const routeTable = (routes: Route[]) => {
  const compiled = routes.map(compile).sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return (method: string, rawPath: string): Match | undefined => {
    const path = rawPath.length > 1 ? rawPath.replace(/\/$/, '') : rawPath;
    for (const { pattern, names, rank: _, ...route } of compiled) {
      const found = pattern.exec(path);
      if (!found || (route.method !== 'ANY' && route.method !== method)) continue;
      const values = found.slice(1).map(decodeURIComponent);
      const pathParameters = Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
      const routeKey = route.path === '$default' ? '$default' : `${route.method} ${route.path}`;
      return { route, routeKey, pathParameters };
    }
    return undefined;
  };
};
