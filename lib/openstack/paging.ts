/** Collections page after page, the way each service pages. */
import { PumphouseError } from '../domain/errors.ts';
import type { Query, ServiceName } from '../ports.ts';

type Page = Record<string, unknown>;
export type ReadPage = (query: Query) => Promise<Page>;

interface Link {
  rel?: string;
  href?: string;
}

/** Items a page; Nova, Cinder, Glance and Ironic allow 1,000 unless configured otherwise. */
const PAGE = 1000;

/** Neutron's collections whose items have no id to go on from. */
const UNPAGED_NETWORK = /\/(quotas|extensions|service-providers|availability_zones)$/;

/**
 * The limit to ask for where a service gives too little without (Glance: 25), all at once (Neutron),
 * or where it neither links nor says that there is more (Nova's server groups).
 */
const defaultLimit = (service: ServiceName, path: string, query: Query): Query => {
  if (query.limit !== undefined) return {};
  if (service === 'image' && /\/images$/.test(path)) return { limit: PAGE };
  if (service === 'compute' && /\/os-server-groups$/.test(path)) return { limit: PAGE };
  if (service === 'network' && !UNPAGED_NETWORK.test(path) && query.fields === undefined)
    return { limit: PAGE };
  return {};
};

/** `servers_links`, `ports_links`, `volume_type_links`: one array of links beside the items. */
const linkBeside = (page: Page): string | undefined => {
  for (const [key, value] of Object.entries(page)) {
    if (!key.endsWith('_links') || !Array.isArray(value)) continue;
    const next = (value as Link[]).find((link) => link.rel === 'next');
    if (next?.href !== undefined) return next.href;
  }
  return undefined;
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** The link to the next page: absolute, or from the root, or only a query. */
const nextLink = (service: ServiceName, page: Page): string | undefined => {
  if (service === 'identity') return text((page.links as Page | undefined)?.next);
  if (service === 'image' || service === 'baremetal') return text(page.next);
  return linkBeside(page);
};

/**
 * Only the query of the link is taken: services behind a proxy put a host, a scheme or a path into
 * their links that only they can reach.
 */
const queryOf = (link: string): Query => {
  const query: Record<string, string | string[]> = {};
  const { searchParams } = new URL(link, 'http://any');
  for (const key of new Set(searchParams.keys())) {
    const values = searchParams.getAll(key);
    query[key] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
};

/** Nova's server groups page by offset, without links, until a page is empty. */
const nextOffset = (path: string, query: Query, items: number): Query | undefined => {
  if (!/\/os-server-groups$/.test(path) || items === 0) return undefined;
  return { ...query, offset: Number(query.offset ?? 0) + items };
};

const itemsOf = <T>(service: ServiceName, path: string, key: string, page: Page): T[] => {
  const items = page[key];
  if (Array.isArray(items) && page.truncated !== true) return items as T[];
  const complaint =
    page.truncated === true
      ? `is cut short by Keystone's list_limit: raise it, or filter`
      : `has no "${key}"`;
  throw new PumphouseError('RequestRefused', `the list ${service} ${path} ${complaint}`, {
    call: { method: 'GET', path },
  });
};

/**
 * Every item of a collection. Reads a page only when its first item is asked for. What is created or
 * deleted meanwhile may or may not be seen; what is there all the time is seen once.
 *
 * Errors: RequestRefused when the answer is not such a list, or is cut short, or pages in a circle.
 */
export async function* paged<T>(
  read: ReadPage,
  service: ServiceName,
  path: string,
  key: string,
  asked: Query,
): AsyncGenerator<T, void, undefined> {
  let query: Query | undefined = { ...asked, ...defaultLimit(service, path, asked) };
  const seen = new Set<string>();
  while (query !== undefined) {
    seen.add(JSON.stringify(query));
    const page: Page = await read(query);
    const items = itemsOf<T>(service, path, key, page);
    yield* items;
    const link = nextLink(service, page);
    query = link === undefined ? nextOffset(path, query, items.length) : queryOf(link);
    if (query !== undefined && seen.has(JSON.stringify(query)))
      throw new PumphouseError('RequestRefused', `the list ${service} ${path} pages in a circle`, {
        call: { method: 'GET', path },
      });
  }
}
