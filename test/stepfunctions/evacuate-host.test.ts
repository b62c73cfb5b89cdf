import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeServices } from '../../lib/resources/host.ts';
import { all } from '../../lib/resources/resource-type.ts';
import type { Server } from '../../lib/resources/server.ts';
import { beginStory, type Story } from '../support/story.ts';

let story: Story;
let host = '';

type Json = Record<string, unknown>;

const get = async (path: string) => {
  const answer = await fetch(`${story.service.url}${path}`);
  return { status: answer.status, json: (await answer.json()) as Json };
};

const post = async (path: string, body?: unknown) => {
  const answer = await story.post(path, body);
  return { status: answer.status, json: (await answer.json()) as Json };
};

const serversOn = async (name: string) => {
  const query = { all_tenants: true };
  const listed = story.source.list<Server>('compute', '/servers/detail', 'servers', { query });
  return (await all(listed)).filter((one) => one['OS-EXT-SRV-ATTR:host'] === name);
};

const running = async () => (await get('/migrations?state=running')).json.migrations as Json[];

beforeAll(async () => {
  story = await beginStory();
  for (const one of await all(computeServices(story.source))) {
    if ((await serversOn(one.host)).length > 1) host = one.host;
  }
});

afterAll(() => story.end());

describe('POST /hosts/{host_id}', () => {
  test('answers 400 naming a field that it does not know, or a value that it does not take', async () => {
    for (const [field, body] of [
      ['force', { force: true }],
      ['parallel', { parallel: 0 }],
      ['on_error', { on_error: 'panic' }],
    ] as const) {
      const { status, json } = await post(`/hosts/${host}`, body);
      expect([status, json.field]).toEqual([400, field]);
    }
  });

  test('answers 422 for a target that there is not', async () => {
    const { status, json } = await post(`/hosts/${host}`, { target: 'nowhere' });
    expect([status, json.field]).toEqual([422, 'target']);
  });

  test('answers a dry run with the plan, which is what GET says, and starts nothing', async () => {
    const { status, json } = await post(`/hosts/${host}`, { dry_run: true });
    expect(status).toBe(200);
    expect(json).toEqual((await get(`/hosts/${host}/plan`)).json);
    expect((json.servers as Json[]).map(({ id }) => id).sort()).toEqual(
      (await serversOn(host)).map(({ id }) => id).sort(),
    );
    expect(await running()).toEqual([]);
  });

  test('empties the host, and every server of it is shown with its state', async () => {
    const before = await serversOn(host);
    const { status, json } = await post(`/hosts/${host}`, { parallel: 2 });
    expect(status).toBe(201);
    expect(json).toMatchObject({ kind: 'evacuation', parallel: 2, on_error: 'continue' });
    const id = String(json.id);
    expect((await post(`/hosts/${host}`)).status).toBe(409);
    expect(((await get(`/hosts/${host}/plan`)).json.blocks as Json[])[0]?.kind).toBe('running');
    const events = await story.told(id);
    expect(events.at(-1)?.data).toMatchObject({ id: host, status: '' });
    const whole = (await get(`/migrations/${id}`)).json;
    expect(whole).toMatchObject({ id, state: 'ended', status: '', host: { id: host, name: host } });
    const shown = whole.servers as Json[];
    expect(shown.map(({ id: server, state }) => `${server} ${state}`).sort()).toEqual(
      before.map((one) => `${one.id} moved`).sort(),
    );
    expect(await serversOn(host)).toEqual([]);
  });
});

describe('GET /hosts/{host_id}/plan', () => {
  test('answers 404 for a host that the source does not have', async () => {
    expect((await get('/hosts/nowhere/plan')).status).toBe(404);
  });
});

describe('GET /migrations', () => {
  test('lists operations of whatever kind, newest first, page after page', async () => {
    await story.post('/reset');
    const { json } = await get('/migrations');
    const every = json.migrations as Json[];
    expect(every.map(({ kind }) => kind)).toEqual(['reset', 'evacuation']);
    const first = (await get('/migrations?limit=1')).json;
    expect(first.migrations).toEqual(every.slice(0, 1));
    const rest = (await get(`/migrations?limit=1&marker=${first.next}`)).json;
    expect(rest).toEqual({ migrations: every.slice(1) });
  });

  test('filters by kind and state, and answers 400 for what it does not know', async () => {
    const { json } = await get('/migrations?kind=evacuation&state=ended');
    expect((json.migrations as Json[]).map(({ kind }) => kind)).toEqual(['evacuation']);
    for (const query of ['kind=holiday', 'state=lost', 'limit=0', 'marker=nobody', 'sort=name']) {
      const { status, json: problem } = await get(`/migrations?${query}`);
      expect([status, problem.field]).toEqual([400, query.split('=')[0]]);
    }
  });

  test('answers 404 for one that there is not', async () => {
    expect((await get('/migrations/nobody')).status).toBe(404);
  });
});
