import { describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import type { ServiceName } from '../../../lib/ports.ts';
import { type Reply, type ScriptedServer, scriptedServer } from './scripted-server.ts';

interface Item {
  id: string;
}
const ITEMS: Item[] = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }));

const after = (url: string): { page: Item[]; marker: string | undefined } => {
  const { searchParams } = new URL(url, 'http://any');
  const from = ITEMS.findIndex(({ id }) => id === searchParams.get('marker')) + 1;
  const page = ITEMS.slice(from, from + 2);
  return { page, marker: from + 2 < ITEMS.length ? page.at(-1)?.id : undefined };
};

/** Serves the items two by two; `next` puts the link where the service puts it. */
const paging =
  (key: string, next: (marker: string) => Record<string, unknown>) =>
  ({ url }: { url: string }): Reply => {
    const { page, marker } = after(url);
    return { body: { ...(marker === undefined ? {} : next(marker)), [key]: page } };
  };

const all = (server: ScriptedServer, service: ServiceName, path: string, key: string) =>
  Array.fromAsync(
    openCloud(server.config(), 'source').list<Item>(service, path, key, {
      query: { all_tenants: true },
    }),
  );

const STYLES: [
  string,
  ServiceName,
  string,
  string,
  string,
  (m: string) => Record<string, unknown>,
][] = [
  [
    'identity: an absolute link under links.next',
    'identity',
    '/users',
    '/v3/users',
    'users',
    (m) => ({ links: { next: `http://keystone.internal/v3/users?marker=${m}` } }),
  ],
  [
    'compute: servers_links, with a host that only the cloud can reach',
    'compute',
    '/servers/detail',
    '/compute/v2.1/servers/detail',
    'servers',
    (m) => ({ servers_links: [{ rel: 'next', href: `http://10.0.0.1:8774/v2.1/x?marker=${m}` }] }),
  ],
  [
    'image: next from the root, without the prefix of the endpoint',
    'image',
    '/v2/images',
    '/image/v2/images',
    'images',
    (m) => ({ next: `/v2/images?marker=${m}&limit=1000` }),
  ],
  [
    'network: ports_links beside a link back',
    'network',
    '/v2.0/ports',
    '/network/v2.0/ports',
    'ports',
    (m) => ({
      ports_links: [
        { rel: 'previous', href: 'http://any/?marker=a&page_reverse=True' },
        { rel: 'next', href: `http://any/v2.0/ports?limit=1000&marker=${m}` },
      ],
    }),
  ],
  [
    'volume: links under a name that is not the key',
    'volumev3',
    '/types',
    '/volume/v3/own/types',
    'volume_types',
    (m) => ({ volume_type_links: [{ rel: 'next', href: `http://any/types?marker=${m}` }] }),
  ],
  [
    'baremetal: an absolute next',
    'baremetal',
    '/v1/nodes',
    '/baremetal/v1/nodes',
    'nodes',
    (m) => ({ next: `http://any/v1/nodes?limit=2&marker=${m}` }),
  ],
];

describe('a collection is read page after page', () => {
  test.each(STYLES)('%s', async (_title, service, path, route, key, next) => {
    await using server = await scriptedServer();
    server.on(`GET ${route}`, paging(key, next));
    expect(await all(server, service, path, key)).toEqual(ITEMS);
    expect(server.times(`GET ${route}`)).toBe(3);
  });

  test('compute: server groups by offset, until a page is empty', async () => {
    await using server = await scriptedServer();
    server.on('GET /compute/v2.1/os-server-groups', ({ url }) => {
      const offset = Number(new URL(url, 'http://any').searchParams.get('offset') ?? 0);
      return { body: { server_groups: ITEMS.slice(offset, offset + 2) } };
    });
    expect(await all(server, 'compute', '/os-server-groups', 'server_groups')).toEqual(ITEMS);
  });

  test('placement: in one piece', async () => {
    await using server = await scriptedServer();
    server.on('GET /placement/resource_providers', { body: { resource_providers: ITEMS } });
    const found = await all(server, 'placement', '/resource_providers', 'resource_providers');
    expect(found).toEqual(ITEMS);
  });

  test('and no page is asked for before its items are', async () => {
    await using server = await scriptedServer();
    server.on(
      'GET /image/v2/images',
      paging('images', (m) => ({ next: `/v2/images?marker=${m}` })),
    );
    const images = openCloud(server.config(), 'source').list<Item>('image', '/v2/images', 'images');
    for await (const { id } of images) if (id === 'b') break;
    expect(server.times('GET /image/v2/images')).toBe(1);
  });
});

describe('a collection asks', () => {
  test.each<[ServiceName, string, string, string | null]>([
    ['image', '/v2/images', '/image/v2/images', '1000'],
    ['network', '/v2.0/ports', '/network/v2.0/ports', '1000'],
    ['network', '/v2.0/quotas', '/network/v2.0/quotas', null],
    ['compute', '/servers', '/compute/v2.1/servers', null],
  ])('%s %s for pages of the right size', async (service, path, route, limit) => {
    await using server = await scriptedServer();
    server.on(`GET ${route}`, { body: { items: [] } });
    expect(await all(server, service, path, 'items')).toEqual([]);
    const { searchParams } = new URL(server.seen.at(-1)?.url ?? '', 'http://any');
    expect(searchParams.get('limit')).toBe(limit);
    expect(searchParams.get('all_tenants')).toBe('true');
  });
});

describe('a list that cannot be trusted is refused', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['without its key', { other: [] }, 'has no "users"'],
    ['cut short by Keystone', { users: ITEMS, truncated: true }, "Keystone's list_limit"],
    [
      'that pages in a circle',
      { users: ITEMS, links: { next: 'http://any/v3/users?marker=e' } },
      'pages in a circle',
    ],
  ])('%s', async (_title, body, message) => {
    await using server = await scriptedServer();
    server.on('GET /v3/users', { body });
    await expect(all(server, 'identity', '/users', 'users')).rejects.toMatchObject({
      name: 'RequestRefused',
      message: expect.stringContaining(message),
    });
  });
});
