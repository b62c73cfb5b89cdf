import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PumphouseError } from '../../../../lib/domain/errors.ts';
import type { PlanItem } from '../../../../lib/domain/plan.ts';
import { referenceKey } from '../../../../lib/domain/waves.ts';
import { associate, floatingIp, floatingIpsOf } from '../../../../lib/resources/floating-ip.ts';
import { resourceType } from '../../../../lib/resources/index.ts';
import { type BusyTenant, clearTenant, make, makeBusyTenant, makeTenant } from './busy-tenant.ts';
import { type Clouds, carrier, changing, externalNetwork, keysOf } from './carrying.ts';
import { openTwoClouds } from './two-clouds.ts';

const NETWORK_TYPES = [
  ...['secgroup', 'secgroup_rules', 'network', 'subnet', 'subnet_dhcp', 'port'],
  ...['router', 'router_interface', 'router_routes', 'floating_ip'],
];

let clouds: Clouds;
let close: () => Promise<void>;
let tenant: BusyTenant;
let pumphouse: Awaited<ReturnType<typeof carrier>>;
let first: Awaited<ReturnType<Awaited<ReturnType<typeof pumphouse.carry>>['again']>>;
const changes: string[] = [];

const ofType = (type: string, items: readonly PlanItem[] = first.items) =>
  items.filter((item) => item.type === type);

const tenantThere = () => first.site.ids.of('tenant', tenant.id);

beforeAll(async () => {
  ({ clouds, close } = await openTwoClouds());
  tenant = await makeBusyTenant(clouds.source, await externalNetwork(clouds.source));
  pumphouse = await carrier(tenant.id);
  const destination = changing(clouds.destination, (change, call) => {
    changes.push(change);
    return call();
  });
  const source = changing(clouds.source, () => Promise.reject(new Error('the source is changed')));
  const plan = await pumphouse.plan({ source, destination });
  expect(plan.obstacles).toEqual([]);
  first = await (await pumphouse.carry({ source, destination }, plan)).again();
}, 300_000);

afterAll(async () => {
  if (first) await clearTenant(clouds.destination, tenantThere());
  if (tenant) await clearTenant(clouds.source, tenant.id);
  await pumphouse?.close();
  await close?.();
}, 300_000);

describe('the network side of a tenant', () => {
  it('has each of its types in the plan', () => {
    for (const type of NETWORK_TYPES) expect(ofType(type), type).not.toEqual([]);
  });

  it('stands at the destination without a difference', async () => {
    for (const item of first.items.filter(({ type }) => NETWORK_TYPES.includes(type))) {
      const resource = resourceType(item.type);
      const body = await resource.get(clouds.source, item.id);
      const found = await resource.find(first.site, body);
      expect(
        found.map(({ id }) => id),
        referenceKey(item),
      ).toEqual([item.destinationId]);
      expect(resource.differences(body, found[0]?.body, first.site)).toEqual([]);
    }
  });

  it('needs nothing of its own wave or a later one', () => {
    const waves = new Map(first.items.map((item) => [referenceKey(item), item.wave]));
    for (const item of first.items) {
      for (const need of item.needs) {
        const wave = waves.get(referenceKey(need));
        if (wave !== undefined) expect(wave, referenceKey(item)).toBeLessThan(item.wave);
      }
    }
  });

  it('is made once: a second migration finds all of it and changes nothing', async () => {
    changes.length = 0;
    const { source, destination } = first.site;
    const plan = await pumphouse.plan({ source, destination });
    expect(plan.obstacles).toEqual([]);
    expect(keysOf(plan.items)).toEqual(keysOf(first.items));
    expect(plan.items.filter(({ action }) => action !== 'reuse')).toEqual([]);
    const second = await (await pumphouse.carry({ source, destination }, plan)).again();
    expect(changes.filter((change) => !change.endsWith('/tags'))).toEqual([]);
    expect(second.events).toEqual([]);
  });

  it('is a conflict when Pumphouse did not make it, but for what comes with the tenant', async () => {
    const stranger = await carrier(tenant.id);
    await stranger.plans.remember({ type: 'tenant', id: tenant.id }, tenantThere(), 'earlier');
    const { obstacles } = await stranger.plan(clouds);
    expect(new Set(obstacles.map(({ kind }) => kind))).toEqual(new Set(['conflict']));
    const inTheWay = obstacles.map(({ type, name }) => `${type} ${name}`).sort();
    expect(inTheWay).toEqual(
      [
        ...['network back', 'network front', 'router out', 'secgroup db', 'secgroup fast'],
        ...['secgroup web', `floating_ip ${tenant.floating.used}`],
        `floating_ip ${tenant.floating.free}`,
      ].sort(),
    );
    await stranger.close();
  });

  it('says of each object that it was made, and of none twice', () => {
    const told = first.events.map(({ name, data }) => `${name} ${data.source_id}`);
    expect(new Set(told).size).toBe(told.length);
    const names = Map.groupBy(first.events, ({ name }) => name);
    expect(names.get('port created')).toHaveLength(ofType('port').length);
    expect(names.get('secgroup created')).toHaveLength(ofType('secgroup').length - 1);
    expect(names.get('secgroup rules set')).toHaveLength(ofType('secgroup').length);
    expect(names.get('router interface added')).toHaveLength(2);
  });

  it('keeps floating IPs apart from its routers, whose address nobody uses in the source', async () => {
    const [router] = ofType('router');
    const there = await resourceType('router').get(clouds.destination, router?.destinationId ?? '');
    const address = there.external_gateway_info.external_fixed_ips[0].ip_address;
    const query = { fixed_ips: `ip_address=${address}` };
    const inSource = clouds.source.list('network', '/v2.0/ports', 'ports', { query });
    expect(await Array.fromAsync(inSource)).toEqual([]);
  });
});

describe('a floating IP', () => {
  const target = () => first.site.ids.of('port', tenant.ports.web);

  it('is told by the ports of its server', async () => {
    const ports = [tenant.ports.web, tenant.ports.bare];
    const [found, ...others] = await floatingIpsOf(clouds.source, ports);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      floating_ip_address: tenant.floating.used,
      fixed_ip_address: '10.20.1.7',
    });
  });

  it('leads to a port and away again, each once', async () => {
    const { destination } = clouds;
    expect(await associate(destination, tenant.floating.used, target(), '10.20.1.7')).toBe(true);
    expect(await associate(destination, tenant.floating.used, target(), '10.20.1.7')).toBe(false);
    expect(await floatingIpsOf(destination, [target()])).toHaveLength(1);
    expect(await associate(destination, tenant.floating.used, null)).toBe(true);
    expect(await associate(destination, tenant.floating.used, null)).toBe(false);
    expect(await floatingIpsOf(destination, [target()])).toEqual([]);
  });

  it('that does not exist cannot lead anywhere', async () => {
    await expect(associate(clouds.destination, '198.18.0.1', null)).rejects.toMatchObject({
      name: 'ResourceNotFound',
    });
  });
});

describe('an address outside', () => {
  const unfit = async (floating_ip_address: string) => {
    const mine = await floatingIp.get(clouds.source, tenant.floating.free);
    return floatingIp.unfit?.(first.site, { ...mine, floating_ip_address });
  };

  it('that no subnet of the destination holds is known before anything is made', async () => {
    expect(await unfit('192.0.2.1')).toContain('no subnet');
  });

  it('that something else has there is known before anything is made', async () => {
    const [router] = ofType('router');
    const there = await resourceType('router').get(clouds.destination, router?.destinationId ?? '');
    const taken = there.external_gateway_info.external_fixed_ips[0].ip_address;
    expect(await unfit(taken)).toContain(`has ${taken} there`);
  });
});

describe('a network of somebody else', () => {
  it('has to be there with its subnet, and then carries the tenant’s ports', async () => {
    const other = await makeTenant(clouds.source);
    const made: (() => Promise<void>)[] = [];
    const shared = async (cloud: Clouds['source']) => {
      const one = await make(cloud, 'network', { name: other.name, shared: true });
      made.push(() => cloud.delete('network', `/v2.0/networks/${one.id}`));
      return one.id;
    };
    const addressed = (cloud: Clouds['source'], network_id: string) =>
      make(cloud, 'subnet', { network_id, cidr: '10.30.0.0/24', ip_version: 4 });
    const network_id = await shared(clouds.source);
    const subnet = await addressed(clouds.source, network_id);
    const fixed_ips = [{ subnet_id: subnet.id, ip_address: '10.30.0.44' }];
    await make(clouds.source, 'port', { network_id, project_id: other.id, fixed_ips });
    const mover = await carrier(other.id);
    const refusals = async () =>
      (await mover.plan(clouds)).obstacles.map(({ type, kind }) => `${kind} ${type}`);
    expect(await refusals()).toEqual(['unfit network']);
    const there = await shared(clouds.destination);
    expect(await refusals()).toEqual(['unfit subnet']);
    await addressed(clouds.destination, there);
    const { again } = await mover.carry(clouds, await mover.plan(clouds));
    const { items, site } = await again();
    expect(ofType('network', items).map(({ action }) => action)).toEqual(['reuse']);
    const [port] = ofType('port', items);
    expect(await resourceType('port').get(clouds.destination, port?.destinationId ?? '')).toEqual(
      expect.objectContaining({ network_id: there }),
    );
    await clearTenant(clouds.destination, site.ids.of('tenant', other.id));
    await clearTenant(clouds.source, other.id);
    for (const undo of made) await undo();
    await mover.close();
  }, 300_000);
});

describe('an answer that is lost', () => {
  it('is found again, whatever it answered, and nothing is made twice', async () => {
    const external = await externalNetwork(clouds.source);
    const other = await makeBusyTenant(clouds.source, external);
    const retried = await carrier(other.id);
    const seen = new Set<string>();
    const losing = changing(clouds.destination, async (change, call) => {
      const answer = await call();
      if (seen.has(change) || !change.includes('/v2.0/')) return answer;
      seen.add(change);
      throw new PumphouseError('CloudUnavailable', `the answer to ${change} is lost`);
    });
    const route = { source: clouds.source, destination: losing };
    const { again } = await retried.carry(route, await retried.plan(route));
    let done: Awaited<ReturnType<typeof again>> | undefined;
    let lost = 0;
    while (!done) {
      done = await again().catch((error) => {
        expect(error).toMatchObject({ name: 'CloudUnavailable' });
        lost += 1;
        return undefined;
      });
    }
    expect(lost).toBeGreaterThan(5);
    const counts = (items: readonly PlanItem[]) =>
      NETWORK_TYPES.map((type) => `${type} ${ofType(type, items).length}`);
    expect(counts(done.items)).toEqual(counts(first.items));
    const project_id = done.site.ids.of('tenant', other.id);
    for (const plural of ['networks', 'subnets', 'ports', 'routers', 'floatingips']) {
      const count = async (cloud: Clouds['source'], project: string) =>
        (
          await Array.fromAsync(
            cloud.list('network', `/v2.0/${plural}`, plural, { query: { project_id: project } }),
          )
        ).length;
      const here = await count(clouds.source, other.id);
      expect(await count(clouds.destination, project_id), plural).toBe(here);
    }
    await clearTenant(clouds.destination, project_id);
    await clearTenant(clouds.source, other.id);
    await retried.close();
  }, 300_000);
});

describe('the world', () => {
  it('shows the network side flat, each object under its own id', async () => {
    for (const { world, type } of NETWORK_TYPES.map(resourceType)) {
      if (!world) continue;
      const bodies = await Array.fromAsync(world.list(clouds.destination));
      const ids = bodies.map((body) => world.id(body));
      expect(new Set(ids).size, type).toBe(ids.length);
      for (const item of ofType(type)) expect(ids).toContain(item.destinationId);
      const kinds = bodies.flatMap((body) => Object.values(world.view(body)));
      for (const value of kinds) expect(typeof value).toMatch(/^(string|number|boolean)$/);
    }
  });
});
