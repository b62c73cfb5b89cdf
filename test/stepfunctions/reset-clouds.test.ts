import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud, Query, ServiceName } from '../../lib/ports.ts';
import { all } from '../../lib/resources/resource-type.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { beginStory, type Story } from '../support/story.ts';

const PREFIX = 'demo-';

const WORKLOAD = `
workloads:
  roles: [{ name: operator }]
  flavors: [{ name: small, vcpus: 1, ram: 512, disk: 1 }]
  images: [{ name: cirros, size: 1 }]
  tenants:
    - name: shop
      description: What the course migrates
      users:
        - { name: ann, keypair: ann-laptop }
        - { name: bob, role: operator }
      networks: [{ name: front, cidr: 10.77.0.0/24 }]
      floating_ips: 1
      servers:
        - { name: web, floating_ip: true, volumes: [{ name: web-data, size: 1 }] }
        - { name: db }
    - { name: empty }
`;

type Body = { id: string; name: string; [field: string]: unknown };

const LISTS: readonly [ServiceName, string, string, Query?][] = [
  ['identity', '/projects', 'projects'],
  ['identity', '/users', 'users'],
  ['identity', '/groups', 'groups'],
  ['identity', '/roles', 'roles'],
  ['identity', '/domains', 'domains'],
  ['compute', '/servers/detail', 'servers', { all_tenants: true }],
  ['compute', '/flavors/detail', 'flavors', { is_public: 'None' }],
  ['image', '/v2/images', 'images'],
  ['network', '/v2.0/networks', 'networks'],
  ['network', '/v2.0/subnets', 'subnets'],
  ['network', '/v2.0/routers', 'routers'],
  ['network', '/v2.0/ports', 'ports'],
  ['network', '/v2.0/floatingips', 'floatingips'],
  ['network', '/v2.0/security-groups', 'security_groups'],
  ['volumev3', '/volumes/detail', 'volumes', { all_tenants: true }],
  ['volumev3', '/snapshots/detail', 'snapshots', { all_tenants: true }],
];

const listed = (cloud: Cloud, [service, path, key, query = {}]: (typeof LISTS)[number]) =>
  all(cloud.list<Body>(service, path, key, { query }));

/** Ids of everything in a cloud but the ports of networks and routers, which go with what they serve. */
const inventory = async (cloud: Cloud) => {
  const lists = await Promise.all(LISTS.map((list) => listed(cloud, list)));
  const things = lists
    .flat()
    .filter(({ device_owner }) => !String(device_owner ?? '').startsWith('network:'));
  return new Set(things.map(({ id }) => id));
};

let story: Story;

beforeAll(async () => {
  story = await beginStory({ resetPrefix: PREFIX, workload: WORKLOAD });
});

afterAll(() => story.end());

const reset = async (body?: object) => {
  const answer = await story.post('/reset', body);
  return { answer, json: (await answer.json()) as Record<string, never> };
};

const resetToItsEnd = async (): Promise<StreamEvent[]> => {
  const { answer, json } = await reset();
  expect(answer.status, JSON.stringify(json)).toBe(201);
  expect(answer.headers.get('location')).toBe(`/events/${json.id}`);
  return story.told(String(json.id));
};

/** Makes one object and answers it. */
const make = async (cloud: Cloud, service: ServiceName, path: string, kind: string, body: object) =>
  (await cloud.post<Record<string, Body>>(service, path, { [kind]: body }))[kind] as Body;

const makeProject = (cloud: Cloud, name: string) =>
  make(cloud, 'identity', '/projects', 'project', { name, domain_id: 'default' });

const makeNetwork = async (cloud: Cloud, name: string, project_id: string) => {
  const network = await make(cloud, 'network', '/v2.0/networks', 'network', { name, project_id });
  const subnet = { network_id: network.id, cidr: '10.99.0.0/24', ip_version: 4, name: 'inner' };
  await make(cloud, 'network', '/v2.0/subnets', 'subnet', { ...subnet, project_id });
  return network;
};

const named = async (cloud: Cloud, list: (typeof LISTS)[number], name: string) =>
  (await listed(cloud, list)).find((one) => one.name === name);

const LIST = Object.fromEntries(LISTS.map((list) => [list[2], list])) as Record<
  string,
  (typeof LISTS)[number]
>;
const listOf = (key: string) => LIST[key] as (typeof LISTS)[number];

const outcomes = (events: StreamEvent[]) =>
  events
    .filter(({ name }) => name === 'reset completed')
    .map(({ data: { at: _at, ...data } }) => data);

const BOTH_DONE = [
  { cloud: 'source', status: '' },
  { cloud: 'destination', status: '' },
];

const GOES = / (delete|removed|terminate)$/;

/** `type id` of what the events say has gone, as a dry run lists it. */
const gone = (events: StreamEvent[], cloud: string) =>
  events
    .filter(({ name, data }) => GOES.test(name) && data.cloud === cloud)
    .map(({ data }) => String(data.name))
    .sort();

interface DryRun {
  dry_run: true;
  prefix: string;
  source: { remove: Body[]; make: { type: string; name: string }[] };
  destination: { remove: Body[]; make: { type: string; name: string }[] };
}

const dryRun = async (): Promise<DryRun> => {
  const { answer, json } = await reset({ dry_run: true });
  expect(answer.status, JSON.stringify(json)).toBe(200);
  return json as unknown as DryRun;
};

const names = (list: { name: string }[]) => list.map(({ name }) => name).sort();

const bothInventories = async () =>
  [await inventory(story.source), await inventory(story.destination)] as const;

describe('a reset with a prefix', () => {
  test('populates the source and touches nothing else', { timeout: 120_000 }, async () => {
    const before = await bothInventories();
    const would = await dryRun();
    expect(await bothInventories()).toEqual(before);
    expect(would.source.remove).toEqual([]);
    expect(would.destination).toEqual({ remove: [], make: [] });

    const events = await resetToItsEnd();
    expect(outcomes(events)).toEqual(BOTH_DONE);
    expect(events[0]?.name).toBe('reset start');
    const after = await bothInventories();
    expect([...before[0].difference(after[0])]).toEqual([]);
    expect(after[1]).toEqual(before[1]);
    const told = events.map(({ name }) => name);
    expect(told).toEqual(
      expect.arrayContaining([
        ...['tenant create', 'user created', 'role created', 'user role assigned'],
        ...['flavor created', 'image created', 'image uploaded', 'keypair created'],
        ...['network created', 'subnet created', 'router created', 'router interface added'],
        ...['secgroup rules set', 'server boot', 'floating_ip created', 'floating_ip assigned'],
        ...['volume create', 'volume attach'],
      ]),
    );
    for (const { name, type } of would.source.make)
      expect(name, type).toSatisfy((one: string) => one.startsWith(PREFIX) || one === 'default');
  });

  test('leaves a workload that runs, shown by the world, and no role of ours in it', async () => {
    const project = await named(story.source, listOf('projects'), 'demo-shop');
    const servers = await story.servers(story.source, String(project?.id));
    expect(servers.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      'demo-db ACTIVE',
      'demo-web ACTIVE',
    ]);
    const web = servers.find(({ name }) => name === 'demo-web');
    const addresses = Object.values(web?.addresses ?? {}).flat();
    expect(addresses.map((one) => one['OS-EXT-IPS:type']).sort()).toEqual(['fixed', 'floating']);
    expect(web?.['os-extended-volumes:volumes_attached']).toHaveLength(1);
    const world = (await (await fetch(`${story.service.url}/resources`)).json()) as {
      reset: boolean;
      source: { tenants: Body[]; resources: Body[] };
    };
    expect(world.reset).toBe(true);
    const demo = [...world.source.tenants, ...world.source.resources].filter(({ name }) =>
      name?.startsWith(PREFIX),
    );
    expect(demo.length).toBeGreaterThan(10);
    expect(demo.filter(({ status }) => status !== undefined)).toEqual([]);
    const { userId } = await story.source.self();
    const query = { 'scope.project.id': String(project?.id) };
    const path = '/role_assignments';
    const roles = await all(
      story.source.list<{ user?: { id: string } }>('identity', path, 'role_assignments', { query }),
    );
    expect(roles.map(({ user }) => user?.id)).not.toContain(userId);
    expect(roles).toHaveLength(2);
  });

  test('takes away what a dry run lists, whoever it belongs to, and nothing beside it', {
    timeout: 120_000,
  }, async () => {
    const { source, destination } = story;
    const shop = await named(source, listOf('projects'), 'demo-shop');
    const [stranger] = await listed(source, listOf('projects'));
    const there = await makeProject(destination, 'demo-arrived');
    await makeNetwork(destination, 'lan', there.id);
    await makeNetwork(source, 'demo-alone', String(stranger?.id));
    await make(destination, 'identity', '/domains', 'domain', { name: 'demo-corp' });
    const image = { name: 'kept', disk_format: 'raw', container_format: 'bare', owner: shop?.id };
    await source.post('image', '/v2/images', { ...image, protected: true });
    const strangers = [
      await makeProject(source, 'my-demo-shop'),
      await makeProject(source, 'DEMO-other'),
      await makeNetwork(source, 'demo', String(stranger?.id)),
      await makeNetwork(source, 'front', String(stranger?.id)),
      await make(source, 'network', '/v2.0/security-groups', 'security_group', {
        ...{ name: 'web', project_id: stranger?.id, description: 'of demo-shop' },
      }),
      await make(source, 'identity', '/users', 'user', { name: 'demo', domain_id: 'default' }),
      await make(destination, 'network', '/v2.0/networks', 'network', { name: 'lan' }),
    ];
    const [outside] = (await listed(source, listOf('networks'))).filter(
      (one) => one['router:external'],
    );
    const pooled = { floating_network_id: outside?.id, description: 'demo-shop' };
    const address = (more = {}) =>
      make(source, 'network', '/v2.0/floatingips', 'floatingip', { ...pooled, ...more });
    strangers.push(await address());
    // It leads to a server that goes, and stays all the same.
    const db = (await named(source, listOf('servers'), 'demo-db'))?.id;
    const [behind] = (await listed(source, listOf('ports'))).filter(
      ({ device_id }) => device_id === db,
    );
    strangers.push(await address({ port_id: behind?.id }));

    const before = await bothInventories();
    const would = await dryRun();
    expect(await bothInventories()).toEqual(before);
    const events = await resetToItsEnd();
    expect(outcomes(events)).toEqual(BOTH_DONE);
    expect(gone(events, 'source')).toEqual(names(would.source.remove));
    expect(gone(events, 'destination')).toEqual(names(would.destination.remove));
    const after = await bothInventories();
    for (const [at, { remove }] of [would.source, would.destination].entries()) {
      const doomed = new Set(remove.map(({ id }) => id));
      const lost = before[at]?.difference(after[at] ?? new Set()) ?? [];
      expect([...lost].filter((id) => !doomed.has(id))).toEqual([]);
    }
    for (const { id } of strangers) expect(after[0].has(id) || after[1].has(id), id).toBe(true);
    expect([...after[1].difference(before[1])]).toEqual([]);
    expect(would.destination.remove.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['network', 'subnet', 'tenant', 'domain']),
    );
    expect(would.source.remove).toContainEqual(
      expect.objectContaining({ type: 'image', name: 'kept' }),
    );
  });

  test('is refused while one runs, and nothing else is begun beside it', {
    timeout: 120_000,
  }, async () => {
    const { json } = await reset();
    const again = await reset();
    expect(again.answer.status).toBe(409);
    expect(again.json).toMatchObject({ events: `/events/${json.id}` });
    const { id } = await story.largestTenant();
    const migration = await story.post(`/tenants/${id}`);
    expect(migration.status).toBe(409);
    expect(outcomes(await story.told(String(json.id)))).toEqual(BOTH_DONE);
  });

  test('knows no other field than dry_run', async () => {
    const { answer, json } = await reset({ dry_run: true, force: true });
    expect(answer.status).toBe(400);
    expect(json.detail).toContain('force');
  });

  test('ends with an error for the cloud that fails, and clears the other one', {
    timeout: 120_000,
  }, async () => {
    await makeProject(story.destination, 'demo-again');
    await story.fault(
      { cloud: 'source', service: 'compute', method: 'POST', path: '/servers$' },
      { status: 403, body: { forbidden: { code: 403, message: 'Quota exceeded for instances' } } },
    );
    const events = await resetToItsEnd();
    await story.clearFaults();
    expect(outcomes(events)).toMatchObject([
      { cloud: 'source', status: 'error', reason: expect.stringContaining('Quota exceeded') },
      { cloud: 'destination', status: '' },
    ]);
    expect(gone(events, 'destination')).toContain('demo-again');
    const { userId } = await story.source.self();
    const shop = await named(story.source, listOf('projects'), 'demo-shop');
    const query = { 'scope.project.id': String(shop?.id), 'user.id': userId };
    const path = '/role_assignments';
    expect(await all(story.source.list('identity', path, 'role_assignments', { query }))).toEqual(
      [],
    );
    expect(outcomes(await resetToItsEnd())).toEqual(BOTH_DONE);
  });
});
