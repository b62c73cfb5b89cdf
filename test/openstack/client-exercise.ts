/** What the OpenStack client does with every kind of thing that Pumphouse touches: the same for any cloud. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenStackClient, openStackClient } from './openstack-client.ts';

type Shown = Record<string, unknown>;

const PUBLIC_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl exercise';
/** Without these a list shows less than there is, or only our own project's. */
const LIST_ALL: Record<string, string[]> = { server: ['--all-projects'], flavor: ['--all'] };

/** Declares the exercise as tests; `clouds` says where the clouds.yaml is, once the tests run. */
export const exerciseClient = (clouds: () => string, cloud: string): void => {
  const run = `x${randomBytes(3).toString('hex')}`;
  const named = (name: string) => `${run}-${name}`;
  let client: OpenStackClient;
  let folder: string;

  const call = (...words: string[]) => client.run('--os-compute-api-version', '2.90', ...words);
  const json = <T>(...words: string[]) =>
    client.json<T>('--os-compute-api-version', '2.90', ...words);
  const done = async (...words: string[]) => {
    const { code, err } = await call(...words);
    expect(code, `openstack ${words.join(' ')}: ${err}`).toBe(0);
  };
  const show = (kind: string, id: string) => json<Shown>(...kind.split(' '), 'show', id);

  /** Creates, and finds it again by show and in the list; the answer is its id. */
  const make = async (kind: string, words: string[], expected: Shown): Promise<string> => {
    const made = await json<Shown>(...kind.split(' '), 'create', ...words);
    const id = String(made.id ?? made.name);
    expect(await show(kind, id)).toMatchObject(expected);
    const rows = await json<Shown[]>(...kind.split(' '), 'list', ...(LIST_ALL[kind] ?? []));
    expect(rows.map((row) => row.ID ?? row.Name)).toContain(id);
    return id;
  };

  /** Deletes, and waits until showing it is refused. */
  const unmake = async (kind: string, id: string) => {
    await done(...kind.split(' '), 'delete', id);
    await expect
      .poll(async () => (await call(...kind.split(' '), 'show', id)).code, { timeout: 120_000 })
      .toBe(1);
  };

  const becomes = (kind: string, id: string, expected: Shown) =>
    expect.poll(() => show(kind, id), { timeout: 180_000, interval: 500 }).toMatchObject(expected);

  beforeAll(async () => {
    client = openStackClient(clouds(), cloud);
    folder = await mkdtemp(join(tmpdir(), 'pumphouse-client-'));
  });

  afterAll(async () => {
    await client?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('domains, projects, users, groups, roles and who has them', async () => {
    const domain = await make('domain', [named('domain'), '--description', 'a domain'], {
      ...{ name: named('domain'), description: 'a domain', enabled: true },
    });
    const project = await make(
      'project',
      [named('project'), '--domain', domain, '--tag', 'tier:gold', '--description', 'a tenant'],
      { domain_id: domain, tags: ['tier:gold'], description: 'a tenant', enabled: true },
    );
    const user = await make(
      'user',
      [named('user'), '--domain', domain, '--email', 'a@example.org', '--disable'],
      { domain_id: domain, email: 'a@example.org', enabled: false },
    );
    const group = await make('group', [named('group'), '--domain', domain], { domain_id: domain });
    const role = await make('role', [named('role')], { domain_id: null });

    await done('role', 'add', role, '--user', user, '--project', project);
    await done('role', 'add', role, '--group', group, '--project', project);
    await done('group', 'add', 'user', group, user);
    const assigned = ['role', 'assignment', 'list', '--project', project];
    const rows = await json<Shown[]>(...assigned);
    expect(rows.map(({ Role, User, Group }) => [Role, User, Group]).sort()).toEqual(
      [
        [role, user, ''],
        [role, '', group],
      ].sort(),
    );
    const members = await json<Shown[]>('user', 'list', '--group', group);
    expect(members).toEqual([{ ID: user, Name: named('user') }]);
    await done('role', 'remove', role, '--user', user, '--project', project);
    expect(await json<Shown[]>(...assigned)).toHaveLength(1);

    await unmake('role', role);
    await unmake('group', group);
    await unmake('user', user);
    await unmake('project', project);
    await done('domain', 'set', '--disable', domain);
    await unmake('domain', domain);
  });

  it('flavors, with their properties and who may use them', async () => {
    const words = ['--ram', '256', '--vcpus', '2', '--disk', '3', '--swap', '64', '--private'];
    const id = await make('flavor', [named('flavor'), ...words], {
      ...{ name: named('flavor'), ram: 256, vcpus: 2, disk: 3, swap: 64 },
      'os-flavor-access:is_public': false,
    });
    await done('flavor', 'set', id, '--property', 'hw:cpu_policy=shared', '--project', 'admin');
    const shown = await show('flavor', id);
    expect(shown.properties).toEqual({ 'hw:cpu_policy': 'shared' });
    expect(shown.access_project_ids).toHaveLength(1);
    await unmake('flavor', id);
  });

  it('images, with their bytes, properties and tags', async () => {
    const [file, copy] = [join(folder, 'image'), join(folder, 'copy')];
    const bytes = randomBytes(3 * 1024 * 1024);
    await writeFile(file, bytes);
    const words = ['--disk-format', 'raw', '--min-disk', '1', '--property', 'team=shop'];
    const id = await make('image', [named('image'), '--file', file, '--tag', 'v7', ...words], {
      ...{ status: 'active', size: bytes.length, min_disk: 1, tags: ['v7'] },
      properties: expect.objectContaining({
        team: 'shop',
        os_hash_value: createHash('sha512').update(bytes).digest('hex'),
      }),
    });
    await done('image', 'save', '--file', copy, id);
    expect(bytes.equals(await readFile(copy))).toBe(true);
    await done('image', 'set', id, '--property', 'os_distro=debian', '--name', named('renamed'));
    expect(await show('image', id)).toMatchObject({ name: named('renamed') });
    await unmake('image', id);
  });

  it('keypairs', async () => {
    const file = join(folder, 'key.pub');
    await writeFile(file, `${PUBLIC_KEY}\n`);
    const blob = Buffer.from(PUBLIC_KEY.split(' ')[1] ?? '', 'base64');
    const fingerprint = createHash('md5')
      .update(blob)
      .digest('hex')
      .replace(/..(?=.)/g, '$&:');
    await make('keypair', [named('key'), '--public-key', file], { fingerprint, type: 'ssh' });
    await unmake('keypair', named('key'));
  });

  describe('networks and what runs on them', () => {
    let net: string;
    let subnet: string;
    let group: string;
    let port: string;
    let mac: unknown;
    const address = '10.40.0.11';

    it('security groups with rules', async () => {
      group = await make('security group', [named('web'), '--description', 'the web tier'], {
        description: 'the web tier',
      });
      const rules = async () => (await show('security group', group)).rules as Shown[];
      expect((await rules()).map(({ direction, ethertype }) => [direction, ethertype])).toEqual(
        expect.arrayContaining([
          ['egress', 'IPv4'],
          ['egress', 'IPv6'],
        ]),
      );
      const create = ['security', 'group', 'rule', 'create', group];
      await done(...create, '--protocol', 'tcp', '--dst-port', '80:81', '--remote-ip', '0.0.0.0/0');
      await done(...create, '--protocol', 'tcp', '--dst-port', '5432', '--remote-group', group);
      const ingress = (await rules()).filter(({ direction }) => direction === 'ingress');
      expect(ingress).toHaveLength(2);
      expect(ingress).toContainEqual(
        expect.objectContaining({ port_range_min: 5432, remote_group_id: group }),
      );
      await done('security', 'group', 'rule', 'delete', String(ingress[0]?.id));
      expect(await rules()).toHaveLength(3);
    });

    it('networks, subnets, routers and ports', async () => {
      net = await make('network', [named('front'), '--mtu', '1400'], { mtu: 1400, shared: false });
      subnet = await make(
        'subnet',
        [
          ...[named('front-v4'), '--network', net, '--subnet-range', '10.40.0.0/24'],
          ...[
            '--dns-nameserver',
            '192.0.2.53',
            '--allocation-pool',
            'start=10.40.0.50,end=10.40.0.99',
          ],
          ...['--host-route', 'destination=10.99.0.0/16,gateway=10.40.0.254'],
        ],
        {
          ...{ cidr: '10.40.0.0/24', gateway_ip: '10.40.0.1', dns_nameservers: ['192.0.2.53'] },
          allocation_pools: [{ start: '10.40.0.50', end: '10.40.0.99' }],
          host_routes: [{ destination: '10.99.0.0/16', nexthop: '10.40.0.254' }],
        },
      );
      port = await make(
        'port',
        [
          ...[named('nic'), '--network', net, '--security-group', group],
          ...['--fixed-ip', `subnet=${subnet},ip-address=${address}`],
          ...['--allowed-address', 'ip-address=10.40.0.100'],
        ],
        { fixed_ips: [{ subnet_id: subnet, ip_address: address }], security_group_ids: [group] },
      );
      const shown = await show('port', port);
      mac = shown.mac_address;
      expect(shown.allowed_address_pairs).toEqual([
        { ip_address: '10.40.0.100', mac_address: mac },
      ]);
    });

    it('servers: boot, stop, pause, suspend, live migration and snapshot', async () => {
      const [disk, userData] = [join(folder, 'disk'), join(folder, 'user-data')];
      await writeFile(disk, randomBytes(1024 * 1024));
      await writeFile(userData, '#!/bin/sh\necho hello\n');
      const raw = ['--disk-format', 'raw', '--file', disk];
      const image = await make('image', [named('disk'), ...raw], { status: 'active' });
      const sizes = ['--ram', '128', '--vcpus', '1', '--disk', '1'];
      const flavor = await make('flavor', [named('tiny'), ...sizes], { ram: 128 });
      const words = ['--image', named('disk'), '--flavor', named('tiny'), '--port', port];
      const more = ['--property', 'role=web', '--user-data', userData, '--config-drive', 'True'];
      const id = await make('server', [named('web'), ...words, ...more], {
        ...{ name: named('web'), properties: { role: 'web' }, config_drive: 'True' },
      });
      await becomes('server', id, {
        ...{ status: 'ACTIVE', addresses: { [named('front')]: [address] } },
        ...{ image: `${named('disk')} (${image})`, security_groups: [{ name: named('web') }] },
      });
      expect(await show('port', port)).toMatchObject({
        ...{ device_id: id, device_owner: 'compute:nova', mac_address: mac },
      });

      for (const [verb, back, status] of [
        ['stop', 'start', 'SHUTOFF'],
        ['pause', 'unpause', 'PAUSED'],
        ['suspend', 'resume', 'SUSPENDED'],
      ] as const) {
        await done('server', verb, id);
        await becomes('server', id, { status, 'OS-EXT-STS:task_state': null });
        await done('server', back, id);
        await becomes('server', id, { status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
      }

      const host = (await show('server', id))['OS-EXT-SRV-ATTR:host'];
      await done('server', 'migrate', '--live-migration', id);
      await becomes('server', id, {
        ...{ status: 'ACTIVE', 'OS-EXT-STS:task_state': null },
        'OS-EXT-SRV-ATTR:host': expect.not.stringMatching(`^${host}$`),
      });

      await done('server', 'image', 'create', '--name', named('snapshot'), id);
      await becomes('image', named('snapshot'), { status: 'active' });
      const copy = join(folder, 'snapshot');
      await done('image', 'save', '--file', copy, named('snapshot'));
      const snapshot = await readFile(copy);
      expect(snapshot.subarray(0, 1024 * 1024).equals(await readFile(disk))).toBe(true);
      expect(snapshot.subarray(1024 * 1024).toString()).toContain(id);

      await done('image', 'delete', named('snapshot'));
      await unmake('server', id);
      await becomes('port', port, { device_id: '' });
      await unmake('image', image);
      await unmake('flavor', flavor);
    });

    it('floating IPs on a port behind a router', async () => {
      const router = await make('router', [named('router')], { admin_state_up: true });
      const external = await json<Shown[]>('network', 'list', '--external');
      const outside = String(external[0]?.ID);
      await done('router', 'set', router, '--external-gateway', outside);
      await done('router', 'add', 'subnet', router, subnet);
      expect(await show('router', router)).toMatchObject({
        external_gateway_info: { network_id: outside },
        interfaces_info: [{ subnet_id: subnet, ip_address: '10.40.0.1' }],
      });
      const words = [outside, '--port', port, '--description', 'www'];
      const id = await make('floating ip', words, {
        ...{ port_id: port, fixed_ip_address: address, router_id: router, description: 'www' },
      });
      await done('floating', 'ip', 'unset', '--port', id);
      expect(await show('floating ip', id)).toMatchObject({ port_id: null });
      await unmake('floating ip', id);
      await done('router', 'remove', 'subnet', router, subnet);
      await unmake('router', router);
    });

    it('and all of them go', async () => {
      await unmake('port', port);
      await unmake('subnet', subnet);
      await unmake('network', net);
      await unmake('security group', group);
    });
  });

  it('volumes', async () => {
    const id = await make('volume', [named('volume'), '--size', '1'], { size: 1 });
    await becomes('volume', id, { status: 'available' });
    await unmake('volume', id);
  });

  it('compute services can be disabled and enabled', async () => {
    const services = () => json<Shown[]>('compute', 'service', 'list', '--service', 'nova-compute');
    const host = String((await services())[0]?.Host);
    const status = async () => (await services()).find(({ Host }) => Host === host)?.Status;
    const set = ['compute', 'service', 'set'];
    await done(...set, '--disable', '--disable-reason', 'a test', host, 'nova-compute');
    expect(await status()).toBe('disabled');
    await done(...set, '--enable', host, 'nova-compute');
    expect(await status()).toBe('enabled');
    const hypervisors = await json<Shown[]>('hypervisor', 'list');
    expect(hypervisors.map((row) => row['Hypervisor Hostname'])).toContain(host);
  });
};
