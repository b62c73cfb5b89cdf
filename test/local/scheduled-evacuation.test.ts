/** Scheduled evacuations as a user meets them: over HTTP, in one process, over a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startService } from '../../lib/local/service.ts';
import { eventsOf } from '../support/event-stream.ts';

let folder: string;
let service: Service;

const start = async () => {
  service = await startService({
    ...{ port: 0, data: join(folder, 'data'), waitScale: 0.02 },
    simulator: { pace: 0, imageMiB: 1 },
  });
  await service.listed;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pumphouse-scheduled-'));
  await start();
});

afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

const call = async (method: string, path: string, body?: object) => {
  const response = await fetch(`${service.url}${path}`, {
    ...{ method, headers: { 'content-type': 'application/json' } },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { response, status: response.status, json: text ? JSON.parse(text) : undefined };
};

interface Host {
  name: string;
  status?: string;
  schedules?: string[];
}

const hosts = async (): Promise<Host[]> => (await call('GET', '/resources')).json.source.hosts;
const availableHost = async () => {
  const found = (await hosts()).find(({ status }) => status === 'available');
  if (!found) throw new Error('No host is available');
  return found.name;
};

/** An instant so many seconds ahead, or a little more, on a whole second. */
const ahead = (seconds: number) =>
  new Date((Math.ceil(Date.now() / 1000) + seconds) * 1000).toISOString();

/** Waits for the first due time of a schedule to be served; answers its operation. */
const served = async (id: string): Promise<string> => {
  const last = async () => (await call('GET', `/schedules/${id}`)).json.last?.operation;
  await expect.poll(last, { timeout: 60_000 }).toBeDefined();
  return last();
};

const told = (operation: string) => Array.fromAsync(eventsOf(`${service.url}/events/${operation}`));

describe('POST /hosts/{host_id} with a schedule', () => {
  test('answers 201 with the place of the schedule, which empties the host when it is due', async () => {
    const host = await availableHost();
    const at = ahead(2);
    const { response, status, json } = await call('POST', `/hosts/${host}`, { schedule: { at } });
    expect(status).toBe(201);
    expect(response.headers.get('location')).toBe(`/schedules/${json.id}`);
    expect(json).toMatchObject({ host: { name: host }, schedule: { at }, next: at });
    const events = await told(await served(json.id));
    expect(events[0]).toMatchObject({ name: 'host evacuate', data: { schedule: json.id } });
    expect(events.at(-1)).toMatchObject({ name: 'host evacuated', data: { id: host, status: '' } });
    expect((await call('GET', '/schedules')).json).toMatchObject({
      schedules: [{ id: json.id, last: { state: 'ended', status: '' } }],
    });
    expect((await hosts()).find(({ name }) => name === host)).toMatchObject({ status: 'blocked' });
  });

  test('refuses what cannot be understood, met, or found', async () => {
    const host = await availableHost();
    const plan = (schedule: unknown, name = host) =>
      call('POST', `/hosts/${name}`, { schedule } as object);
    expect(await plan({ at: 'soon' })).toMatchObject({
      status: 400,
      json: { field: 'schedule.at' },
    });
    expect(await plan(null)).toMatchObject({ status: 400, json: { field: 'schedule' } });
    expect(await plan({ at: '2020-01-01T00:00:00Z' })).toMatchObject({
      status: 422,
      json: { field: 'schedule.at' },
    });
    expect(await plan({ at: ahead(2) }, 'nowhere')).toMatchObject({ status: 404 });
  });

  test('shows beside its host until DELETE /schedules/{id}, and is then unknown', async () => {
    const host = await availableHost();
    const at = ahead(3600);
    const { json } = await call('POST', `/hosts/${host}`, { schedule: { at } });
    const shown = async () => (await hosts()).find(({ name }) => name === host)?.schedules;
    expect(await shown()).toEqual([json.id]);
    const path = `/schedules/${json.id}`;
    expect((await call('DELETE', path)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await call(method, path)).status).toBe(404);
    expect(await shown()).toBeUndefined();
    expect((await call('GET', '/schedules')).json.schedules).not.toContainEqual(
      expect.objectContaining({ id: json.id }),
    );
  });
});

describe('a schedule that comes due while nothing runs', () => {
  test('empties its host after the next start', async () => {
    const host = await availableHost();
    const at = ahead(2);
    const { json } = await call('POST', `/hosts/${host}`, { schedule: { at } });
    await service.stop();
    await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(Date.parse(at));
    await start();
    const events = await told(await served(json.id));
    expect(events.at(-1)).toMatchObject({ name: 'host evacuated', data: { id: host, status: '' } });
  });
});
