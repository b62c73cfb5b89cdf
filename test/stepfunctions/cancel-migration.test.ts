import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { beginStory, type Story } from '../support/story.ts';

let story: Story;
let tenant: { id: string; name: string };

beforeEach(async () => {
  story = await beginStory();
  tenant = await story.largestTenant();
});

afterEach(() => story.end());

const begin = async () => {
  const answer = await story.post(`/tenants/${tenant.id}`);
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
};

const get = async (path: string) => {
  const answer = await fetch(`${story.service.url}${path}`);
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
};

const cancel = async (id: string) => {
  const answer = await story.post(`/migrations/${id}/cancel`);
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
};

const state = async () =>
  (await story.servers(story.source, tenant.id)).map(({ id, status }) => `${id} ${status}`).sort();

const isTold = (id: string, name: string) =>
  expect
    .poll(
      async () => {
        const { json } = await get(`/migrations/${id}`);
        const servers = json.servers as { state: string; step?: string }[];
        return name === '' ? servers.length > 0 : servers.some(({ step }) => step === name);
      },
      { timeout: 30_000, interval: 20 },
    )
    .toBe(true);

describe('a migration that is cancelled', () => {
  test('before its servers are begun, begins none, and leaves our role and its own things nowhere', async () => {
    const before = await state();
    const slow = { cloud: 'destination', service: 'network', method: 'POST' };
    await story.fault(slow, { delay: 300 });
    const id = await begin();
    await isTold(id, '');
    expect(await cancel(id)).toMatchObject({ status: 202, json: { id, state: 'running' } });
    const events = await story.told(id);
    expect(events.at(-1)).toMatchObject({ name: 'tenant migrated', data: { status: 'error' } });
    expect(String(events.at(-1)?.data.reason)).toContain('cancelled');
    expect(events.map(({ name }) => name)).not.toContain('server migrate');
    expect(await state()).toEqual(before);
    const { userId } = await story.destination.self();
    const query = { 'user.id': userId };
    const held = story.destination.list<{ scope: { project?: { id: string } } }>(
      ...(['identity', '/role_assignments', 'role_assignments'] as const),
      { query },
    );
    expect((await Array.fromAsync(held)).length).toBe(1);
    const { json } = await get(`/migrations/${id}`);
    expect(json).toMatchObject({ kind: 'migration', state: 'ended', tenant: { id: tenant.id } });
  });

  test('while servers are in hand, lets those go to their end and says that it was cancelled', async () => {
    const boots = { cloud: 'destination', service: 'compute', method: 'POST', path: '^/servers$' };
    await story.fault(boots, { delay: 500 });
    const id = await begin();
    await isTold(id, 'boot');
    expect((await cancel(id)).status).toBe(202);
    const events = await story.told(id);
    expect(events.at(-1)?.data).toMatchObject({ status: 'error' });
    expect(String(events.at(-1)?.data.reason)).toContain('cancelled');
    const { json } = await get(`/migrations/${id}`);
    const servers = json.servers as { state: string }[];
    expect(servers.length).toBeGreaterThan(0);
    expect(new Set(servers.map((one) => one.state))).not.toContain('moving');
    const left = (await state()).length;
    expect(left).toBe(servers.filter((one) => one.state === 'failed').length);
    expect((await cancel(id)).status).toBe(409);
  });

  test('must be one that there is', async () => {
    expect(await cancel('nobody')).toMatchObject({
      ...{ status: 404, json: { type: 'urn:pumphouse:resource-not-found' } },
    });
  });
});
