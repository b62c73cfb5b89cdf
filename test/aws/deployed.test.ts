/** The packaged service in an emulator of AWS, driven as an operator does, beside the embedded run. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCloud } from '../../lib/openstack/cloud.ts';
import { loadCloud } from '../../lib/openstack/clouds-yaml.ts';
import { type Simulator, startSimulator } from '../../lib/simulator/simulator.ts';
import { connection, type StreamEvent } from '../support/event-stream.ts';
import { comparableWorld, eventSet, nameIds, type Resources, serverStories } from './comparison.ts';
import {
  type DeployedService,
  deployedService,
  type HttpAnswer,
  pause,
} from './deployed-service.ts';
import { largestTenant, type Run, run, serversOf, WORKLOAD } from './operations.ts';
import { type StreamingFunction, streamingFunction } from './streaming-function.ts';

let folder: string;
let simulator: Simulator;
let service: DeployedService;
let stream: StreamingFunction;
let embedded: Run;
let deployed: Run;
const answers: { ordered: HttpAnswer; redirected: HttpAnswer }[] = [];

const embeddedRun = async (): Promise<Run> => {
  const program = join(import.meta.dirname, 'embedded-run.ts');
  const { PATH = '', HOME = '' } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, join(folder, 'embedded')],
    { env: { PATH, HOME }, maxBuffer: 64 * 1024 * 1024 },
  );
  // Its log comes first.
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
};

const ticket = (id: string) => service.call('GET', `/events/${id}`);
const locationOf = ({ headers }: HttpAnswer) => String(headers.location);
const sse = (text: string) => Array.from(text.matchAll(/^id: (.+)$/gm), ([, id]) => id);

/** Every event of an operation, live; each connection with a ticket of its own, as browsers do. */
const follow = async (id: string): Promise<StreamEvent[]> => {
  const events: StreamEvent[] = [];
  for (;;) {
    const url = stream.at(locationOf(await ticket(id)));
    const more = await Array.fromAsync(connection(url, events.at(-1)?.id ?? ''));
    if (more.length === 0) return events;
    events.push(...more);
  }
};

/** Gives an order through API Gateway and follows its stream, live, to the end. */
const order = async (method: string, path: string) => {
  const ordered = await service.call(method, path);
  expect(ordered.status, ordered.text).toBe(201);
  const id = locationOf(ordered).replace('/events/', '');
  const redirected = await ticket(id);
  answers.push({ ordered, redirected });
  return { id, events: await follow(id) };
};

/** What the ids of one of the two runs stand for. */
const namesOf = ({ seeded, migration, evacuation }: Run) =>
  nameIds(
    seeded,
    seeded === deployed.seeded ? embedded.seeded : deployed.seeded,
    [migration.id, evacuation.id],
    [...migration.events, ...evacuation.events],
  );

/** A call of the clouds answers 503, once. */
const awayOnce = async (call: object) => {
  const rule = Object.fromEntries([
    ...Object.entries({ ...call, times: 1 }),
    ['then', { status: 503 }],
  ]);
  const answer = await fetch(`${simulator.url}/_simulator/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ list: [rule] }),
  });
  expect(answer.ok).toBe(true);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-aws-'));
  embedded = await embeddedRun();
  simulator = await startSimulator({ dataDir: join(folder, 'clouds'), ...WORKLOAD });
  service = await deployedService();
  stream = await streamingFunction(service);
  await service.putClouds(simulator.cloudsYaml());
  await service.invoke('synchroniseWorld');
});

afterAll(async () => {
  await stream?.stop();
  await simulator?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the deployed API', () => {
  it('refuses whoever has not signed', async () => {
    for (const [method, path] of [
      ['GET', '/resources'],
      ['GET', '/events'],
      ['POST', '/tenants/1'],
      ['POST', '/hosts/1'],
    ] as const) {
      expect((await service.call(method, path, { sign: false })).status, path).toBe(403);
    }
  });

  it('answers 404 as a problem for what there is not', async () => {
    const { status, headers, text } = await service.call('POST', '/tenants/nobody');
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(text)).toMatchObject({ status: 404, instance: '/tenants/nobody' });
  });

  it('shows the world that its synchroniser has listed, as the embedded run does', async () => {
    const world: Resources = await service.resources();
    const there = embedded.seeded;
    expect(comparableWorld(world, nameIds(world, there))).toEqual(
      comparableWorld(there, nameIds(there, world)),
    );
    expect(world.events).toEqual([]);
  });
});

describe('a migration and an evacuation through the deployed machines', () => {
  beforeAll(async () => {
    await awayOnce({
      cloud: 'destination',
      service: 'network',
      method: 'POST',
      path: '/networks$',
    });
    deployed = await run({
      resources: () => service.resources(),
      order,
      synchronise: () => service.invoke('synchroniseWorld'),
    });
  });

  it('answer 201 with their stream, and the API redirects to it with a ticket', () => {
    expect(answers).toHaveLength(2);
    for (const { ordered, redirected } of answers) {
      expect(JSON.parse(ordered.text).events).toBe(ordered.headers.location);
      expect(redirected.status).toBe(307);
      expect(redirected.headers['cache-control']).toBe('no-store');
      const url = service.outputs.StreamEventsLambdaFunctionUrl ?? 'no url';
      expect(locationOf(redirected).startsWith(url), locationOf(redirected)).toBe(true);
    }
  });

  it('stream to their last event, which tells of no error', () => {
    expect(deployed.migration.events.at(-1)).toMatchObject({
      name: 'tenant migrated',
      data: { status: '' },
    });
    expect(deployed.evacuation.events.at(-1)).toMatchObject({
      name: 'host evacuated',
      data: { status: '' },
    });
  });

  it('are executions that succeeded, with one for each server', async () => {
    const { migration, evacuation, seeded } = deployed;
    expect((await service.ended('migrate-tenant', migration.id)).status).toBe('SUCCEEDED');
    expect((await service.ended('evacuate-host', evacuation.id)).status).toBe('SUCCEEDED');
    const children = await service.listExecutions('migrate-server');
    const servers = serversOf(seeded, largestTenant(seeded));
    expect(servers.length).toBeGreaterThan(1);
    expect(children.map(({ name, status }) => `${name} ${status}`).sort()).toEqual(
      servers.map((server) => `${migration.id}-${server} SUCCEEDED`).sort(),
    );
  });

  it('are tried again by their machine when a cloud was away, by the name of the error', async () => {
    const failures = await service.failuresOf('migrate-tenant', deployed.migration.id);
    expect(failures).toContain('CloudUnavailable');
  });

  it.each(['migration', 'evacuation'] as const)(
    'tell of the %s what the embedded run tells',
    (kind) => {
      const [here, there] = [deployed, embedded].map((told) => ({
        set: eventSet(told[kind].events, namesOf(told)),
        stories: serverStories(
          told[kind].events,
          namesOf(told),
          told.seeded.source.resources
            .filter(({ type }) => type === 'server')
            .map(({ id }) => `${id}`),
        ),
      }));
      expect(here?.set.length).toBeGreaterThan(2);
      expect(here?.set).toEqual(there?.set);
      expect(here?.stories).toEqual(there?.stories);
    },
  );

  it('leave the world that the embedded run leaves', () => {
    const [here, there] = [deployed, embedded].map((told) =>
      comparableWorld(told.after, namesOf(told)),
    );
    expect(here).toEqual(there);
    expect(deployed.after.events).toEqual([]);
  });

  it('can be replayed from the streaming URL itself, from the beginning and from any event', async () => {
    const { id, events } = deployed.migration;
    const all = await service.fromFeed(locationOf(await ticket(id)));
    expect(all.status).toBe(200);
    expect(all.headers['content-type']).toBe('text/event-stream');
    expect(sse(all.text)).toEqual(events.map((event) => event.id));
    const rest = await service.fromFeed(locationOf(await ticket(id)), { 'last-event-id': '3' });
    expect(sse(rest.text)[0]).toBe('4');
    const over = await service.fromFeed(locationOf(await ticket(id)), {
      'last-event-id': String(events.at(-1)?.id),
    });
    expect(over.status).toBe(204);
  });

  it('are closed to whoever has no ticket', async () => {
    const url = service.outputs.StreamEventsLambdaFunctionUrl ?? '';
    expect((await service.fromFeed(url)).status).toBe(403);
  });

  it('stand in the table as a console reads them', async () => {
    const { id, events } = deployed.migration;
    const items = await service.query({
      KeyConditionExpression: 'pk = :stream',
      ExpressionAttributeValues: { ':stream': `stream#${id}` },
    });
    expect(items.map(({ number, name, v }) => `${number} ${name} ${v}`)).toEqual(
      events.map((event) => `${event.id} ${event.name} 1`),
    );
    const today = await service.query({
      IndexName: 'by-at',
      KeyConditionExpression: '#by = :day',
      ExpressionAttributeNames: { '#by': 'by' },
      ExpressionAttributeValues: { ':day': `day#${String(items[0]?.time).slice(0, 10)}` },
    });
    expect(today.length).toBeGreaterThan(events.length);
    const running = await service.query({
      KeyConditionExpression: 'pk = :running',
      ExpressionAttributeValues: { ':running': 'running' },
    });
    expect(running).toEqual([]);
  });
});

describe('the schedules', () => {
  it('bring in what others do in the clouds', async () => {
    const source = openCloud(loadCloud(simulator.cloudsYaml(), 'source'), 'source');
    await source.post('identity', '/projects', { project: { name: 'made-by-hand' } });
    for (;;) {
      const { source: world }: Resources = await service.resources();
      if (world.tenants.some(({ name }) => name === 'made-by-hand')) return;
      await pause();
    }
  });

  it('close with its last event an operation whose execution was stopped', async () => {
    // Once more: what it owns, or gets anew, is brought over.
    const tenant = largestTenant(deployed.seeded);
    const ordered = await service.call('POST', `/tenants/${tenant}`);
    expect(ordered.status, ordered.text).toBe(201);
    const id = locationOf(ordered).replace('/events/', '');
    await service.executions.send(
      new StopExecutionCommand({ executionArn: service.executionArn('migrate-tenant', id) }),
    );
    expect((await follow(id)).at(-1)).toMatchObject({
      name: 'tenant migrated',
      data: { id: tenant, status: 'error', reason: expect.stringContaining('workflow ended') },
    });
    // The event is the commit; the tenant is let go after it.
    while ((await service.resources()).events.length > 0) await pause();
  });
});
