import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Image } from '../../lib/resources/image.ts';
import { all } from '../../lib/resources/resource-type.ts';
import { SOURCE_MARK } from '../../lib/resources/server.ts';
import type { StreamEvent } from '../support/event-stream.ts';
import { beginStory, type Story } from '../support/story.ts';

let story: Story;
let tenant: { id: string; name: string };

beforeEach(async () => {
  story = await beginStory();
  tenant = await story.largestTenant();
});

afterEach(() => story.end());

const migrate = async (body?: object) => {
  const answer = await story.post(`/tenants/${tenant.id}`, body);
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as { id: string };
  return { id, events: await story.told(id) };
};

const named = (events: StreamEvent[], name: string) =>
  events.filter((event) => event.name === name);

const tenantThere = async () => {
  const query = { name: tenant.name };
  const projects = story.destination.list<{ id: string }>('identity', '/projects', 'projects', {
    query,
  });
  return (await all(projects))[0]?.id ?? 'nowhere';
};

const ownImages = async () => {
  const found: string[] = [];
  for (const cloud of [story.source, story.destination]) {
    const { projectId: owner } = await cloud.self();
    const query = { owner };
    const images = await all(cloud.list<Image>('image', '/v2/images', 'images', { query }));
    found.push(...images.map(({ name }) => `${cloud.name} ${name}`));
  }
  return found.filter((name) => name.includes('pumphouse'));
};

const anActiveServer = async () => {
  const servers = await story.servers(story.source, tenant.id);
  const active = servers.find(({ status }) => status === 'ACTIVE');
  if (!active) throw new Error('the workload has no running server');
  return active;
};

describe('a tenant that migrates', () => {
  test('arrives whole, each server in the state that it was in, and leaves nothing temporary', async () => {
    const before = await story.servers(story.source, tenant.id);
    const { events } = await migrate();
    expect(events.at(-1)).toMatchObject({ name: 'tenant migrated', data: { status: '' } });
    const after = await story.servers(story.destination, await tenantThere());
    const shown = (list: typeof before) => list.map((s) => `${s.name} ${s.status}`).sort();
    expect(shown(after)).toEqual(shown(before));
    expect(await story.servers(story.source, tenant.id)).toEqual([]);
    expect(await ownImages()).toEqual([]);
    expect(named(events, 'server resumed')).toEqual([]);
  });

  test('keeps its quiet sources when it is to be finalized by hand', async () => {
    const { events } = await migrate({ finalize: 'manual' });
    expect(events.at(-1)?.data.status).toBe('');
    expect(named(events, 'server terminate')).toEqual([]);
    const sources = await story.servers(story.source, tenant.id);
    expect(sources.length).toBe(named(events, 'server migrated').length);
    expect(sources.map(({ status }) => status)).not.toContain('ACTIVE');
  });

  test('travels by image when that is asked for: no snapshot is taken', async () => {
    const { events } = await migrate({ strategy: 'image' });
    expect(events.at(-1)?.data.status, JSON.stringify(events.at(-1)?.data)).toBe('');
    expect(events.filter(({ data }) => String(data.name).startsWith('pumphouse-'))).toEqual([]);
    expect(named(events, 'server migrated').length).toBeGreaterThan(0);
  });
});

describe('a server that cannot boot at the destination', () => {
  test('is undone alone: it runs on in the source, the others have moved', async () => {
    const victim = await anActiveServer();
    const { length } = await story.servers(story.source, tenant.id);
    await story.source.post('compute', `/servers/${victim.id}/metadata`, {
      metadata: { bed_fault: 'spawn' },
    });
    const { events } = await migrate();
    expect(events.at(-1)).toMatchObject({ name: 'tenant migrated', data: { status: 'error' } });
    expect(String(events.at(-1)?.data.reason)).toContain(victim.name);
    expect(named(events, 'server resumed').map(({ data }) => data.id)).toEqual([victim.id]);
    expect(named(events, 'server migrated').length).toBe(length - 1);
    const left = await story.servers(story.source, tenant.id);
    expect(left.map(({ id, status }) => `${id} ${status}`)).toEqual([`${victim.id} ACTIVE`]);
    const there = await story.servers(story.destination, await tenantThere());
    expect(there.filter(({ metadata }) => metadata[SOURCE_MARK] === victim.id)).toEqual([]);
    expect(await ownImages()).toEqual([]);
  });

  test('can be migrated later: what was brought over before is used again', async () => {
    const victim = await anActiveServer();
    const path = `/servers/${victim.id}/metadata`;
    await story.source.post('compute', path, { metadata: { bed_fault: 'spawn' } });
    await migrate();
    await story.source.delete('compute', `${path}/bed_fault`);
    const { events } = await migrate();
    expect(events.at(-1)?.data.status, JSON.stringify(events.at(-1)?.data)).toBe('');
    expect(named(events, 'server migrated').map(({ data }) => data.source_id)).toEqual([victim.id]);
    expect(named(events, 'network created')).toEqual([]);
  });
});

describe('a server in a state from which nothing moves', () => {
  test('is reported and left alone', async () => {
    const victim = await anActiveServer();
    const broken = { 'os-resetState': { state: 'error' } };
    await story.source.post('compute', `/servers/${victim.id}/action`, broken);
    const { events } = await migrate();
    const failed = named(events, 'server migration failed');
    expect(failed.map(({ data }) => data.id)).toEqual([victim.id]);
    expect(String(failed[0]?.data.reason)).toContain('ERROR');
    expect(named(events, 'server suspended').map(({ data }) => data.id)).not.toContain(victim.id);
  });
});

describe('an answer that is lost', () => {
  test.each([
    ['compute', 'POST', '^/servers$'],
    ['image', 'POST', '/images$'],
    ['network', 'POST', '/ports$'],
    ['network', 'POST', '/networks$'],
    ['identity', 'POST', '^/projects$'],
    ['identity', 'POST', '^/users$'],
  ])('to %s %s %s leaves one object, not two', async (service, method, path) => {
    await story.fault({ cloud: 'destination', service, method, path, times: 1 }, 'lose');
    const { length } = await story.servers(story.source, tenant.id);
    const { events } = await migrate();
    expect(await story.struck()).toBe(1);
    expect(events.at(-1)?.data.status, JSON.stringify(events.at(-1)?.data)).toBe('');
    expect(await story.servers(story.destination, await tenantThere())).toHaveLength(length);
    const ids = events.filter(({ name }) => name.endsWith(' created')).map(({ data }) => data.id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('clouds that fail for a while', () => {
  test('are asked again: 503s and a cut copy change nothing of the end', async () => {
    const answer = await story.post(`/tenants/${tenant.id}`);
    await story.fault({ service: 'compute', times: 12, after: 3 }, { status: 503 });
    await story.fault({ service: 'network', times: 12, after: 3 }, { status: 503 });
    const copies = { cloud: 'destination', service: 'image', method: 'PUT', path: '/file$' };
    await story.fault({ ...copies, times: 2 }, 'cut');
    const events = await story.told(((await answer.json()) as { id: string }).id);
    expect(await story.struck()).toBe(2);
    expect(events.at(-1)?.data.status, JSON.stringify(events.at(-1)?.data)).toBe('');
    expect(named(events, 'server resumed')).toEqual([]);
  });
});

describe('a tenant that cannot be migrated', () => {
  const refused = async (id: string, body?: object) => {
    const answer = await story.post(`/tenants/${id}`, body);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    return { status: answer.status, problem: (await answer.json()) as Record<string, unknown> };
  };

  test('because nobody knows it answers 404', async () => {
    expect((await refused('nobody')).status).toBe(404);
  });

  test('because it owns volumes answers 409 naming each', async () => {
    type Volume = { id: string; 'os-vol-tenant-attr:tenant_id': string };
    const query = { all_tenants: true };
    const volumes = await all(
      story.source.list<Volume>('volumev3', '/volumes/detail', 'volumes', { query }),
    );
    const owner = volumes[0]?.['os-vol-tenant-attr:tenant_id'] ?? '';
    const { status, problem } = await refused(owner);
    expect(status).toBe(409);
    const named = (problem.obstacles as { type: string; id: string }[])
      .filter(({ type }) => type === 'volume')
      .map(({ id }) => id);
    const owned = volumes.filter((one) => one['os-vol-tenant-attr:tenant_id'] === owner);
    expect(named.sort()).toEqual(owned.map(({ id }) => id).sort());
  });

  test('because a namesake stands at the destination answers 409, and moves in when told to', async () => {
    const project = { name: tenant.name, domain_id: 'default' };
    await story.destination.post('identity', '/projects', { project });
    const { status, problem } = await refused(tenant.id);
    expect(status).toBe(409);
    expect(problem.obstacles).toContainEqual(
      expect.objectContaining({ type: 'tenant', kind: 'conflict', name: tenant.name }),
    );
  });

  test('because a field is unknown or wrong answers 400 naming it', async () => {
    expect((await refused(tenant.id, { stratgy: 'image' })).problem).toMatchObject({
      ...{ status: 400, field: 'stratgy' },
    });
    expect((await refused(tenant.id, { quiesce: 'kill' })).problem).toMatchObject({
      ...{ status: 400, field: 'quiesce' },
    });
  });

  test('because it migrates already answers 409 with the stream', async () => {
    const first = await story.post(`/tenants/${tenant.id}`);
    const { id } = (await first.json()) as { id: string };
    const { status, problem } = await refused(tenant.id);
    expect({ status, events: problem.events }).toEqual({ status: 409, events: `/events/${id}` });
    await story.told(id);
  });
});

describe('an Idempotency-Key', () => {
  test('answers the same operation again, and 422 for another request', async () => {
    const key = { 'idempotency-key': 'move-it-once' };
    const ids = [];
    for (const _ of [1, 2]) {
      const answer = await story.post(`/tenants/${tenant.id}`, {}, key);
      expect(answer.status).toBe(201);
      ids.push(((await answer.json()) as { id: string }).id);
    }
    expect(ids[0]).toBe(ids[1]);
    const other = await story.post(`/tenants/${tenant.id}`, { quiesce: 'stop' }, key);
    expect(other.status).toBe(422);
    await story.told(ids[0] ?? '');
    expect((await story.post(`/tenants/${tenant.id}`, {}, key)).status).toBe(201);
  });
});
