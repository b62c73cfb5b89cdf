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
import { busyHost, largestTenant, type Run, run, serversOf, WORKLOAD } from './operations.ts';
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
const namesOf = ({ seeded, migration, evacuation, reassignment }: Run) =>
  nameIds(
    seeded,
    seeded === deployed.seeded ? embedded.seeded : deployed.seeded,
    [migration.id, evacuation.id, reassignment.id],
    [...migration.events, ...evacuation.events, ...reassignment.events],
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
      ['DELETE', '/hosts/1'],
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

describe('a migration, an evacuation and a reassignment through the deployed machines', () => {
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
    expect(answers).toHaveLength(3);
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
    expect(deployed.reassignment.events.at(-1)).toMatchObject({
      name: 'host reassigned',
      data: { status: '', cloud: 'destination' },
    });
  });

  it('are executions that succeeded, with one for each server', async () => {
    const { migration, evacuation, reassignment, seeded } = deployed;
    expect((await service.ended('migrate-tenant', migration.id)).status).toBe('SUCCEEDED');
    expect((await service.ended('evacuate-host', evacuation.id)).status).toBe('SUCCEEDED');
    expect((await service.ended('reassign-host', reassignment.id)).status).toBe('SUCCEEDED');
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

  it.each(['migration', 'evacuation', 'reassignment'] as const)(
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
    const { events, hosts } = deployed.after;
    expect({ events, hosts }).toEqual({ events: [], hosts: [] });
    const host = deployed.reassignment.events[0]?.data.id;
    expect(deployed.after.destination.hosts.map(({ name }) => name)).toContain(host);
    expect(deployed.after.source.hosts.map(({ name }) => name)).not.toContain(host);
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

describe('an evacuation planned through the deployed API', () => {
  const plan = async (host: string, at: string) => {
    const planned = await service.call('POST', `/hosts/${host}`, { json: { schedule: { at } } });
    expect(planned.status, planned.text).toBe(201);
    return JSON.parse(planned.text).id as string;
  };
  const lastOf = async (id: string): Promise<string | undefined> =>
    JSON.parse((await service.call('GET', `/schedules/${id}`)).text).last?.operation;
  /** Seconds from now, on a whole one. */
  const ahead = (seconds: number) =>
    new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000).toISOString();

  let host: string;
  let at: string;
  let id: string;
  let operation: string;
  let scheduled: Awaited<ReturnType<typeof service.schedule>>;

  beforeAll(async () => {
    // The sweeper serves what nobody did: without it, what begins is begun by Scheduler.
    await service.allowAtOnce('sweepOperations', 0);
    host = busyHost(await service.resources());
    at = ahead(10);
    id = await plan(host, at);
    scheduled = await service.schedule(id);
    for (;;) {
      const last = await lastOf(id);
      operation = last ?? '';
      if (last) break;
      await pause();
    }
  });
  afterAll(() => service.allowAtOnce('sweepOperations', 1));

  it('stands in EventBridge Scheduler with its time, its function and its role', () => {
    expect(scheduled).toMatchObject({
      ...{ Name: id, State: 'ENABLED', ActionAfterCompletion: 'DELETE' },
      ...{ ScheduleExpression: `at(${at.slice(0, 19)})`, ScheduleExpressionTimezone: 'UTC' },
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: service.functionArn('startScheduledEvacuation'),
        RoleArn: expect.stringMatching(/^arn:aws:iam::000000000000:role\/.*ScheduleRole/),
        Input: JSON.stringify({ schedule: id, due: '<aws.scheduler.scheduled-time>' }),
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 },
      },
    });
    expect(scheduled?.Target?.DeadLetterConfig).toBeUndefined();
  });

  it('is begun when it is due, empties its host, and Scheduler forgets it', async () => {
    const events = await follow(operation);
    expect(events[0]).toMatchObject({ name: 'host evacuate', data: { id: host, schedule: id } });
    expect(events.map(({ name }) => name).join()).toMatch(/server (live|cold) migrated/);
    expect(events.at(-1)).toMatchObject({ name: 'host evacuated', data: { id: host, status: '' } });
    expect((await service.ended('evacuate-host', operation)).status).toBe('SUCCEEDED');
    expect(await service.schedule(id)).toBeUndefined();
  });

  it('stays one operation however often Scheduler delivers it', async () => {
    const due = `${at.slice(0, 19)}Z`;
    const input = String(scheduled?.Target?.Input).replace('<aws.scheduler.scheduled-time>', due);
    await service.invoke('startScheduledEvacuation', input);
    await service.invoke('startScheduledEvacuation', input);
    expect(await lastOf(id)).toBe(operation);
    const executions = await service.listExecutions('evacuate-host');
    expect(executions.map(({ name }) => name).sort()).toEqual(
      [deployed.evacuation.id, operation].sort(),
    );
    expect((await service.resources()).events).toEqual([]);
  });

  it('is taken back from EventBridge Scheduler by DELETE', async () => {
    const another = await plan(host, ahead(3600));
    expect(await service.schedule(another)).toBeDefined();
    expect((await service.call('DELETE', `/schedules/${another}`)).status).toBe(204);
    expect(await service.schedule(another)).toBeUndefined();
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
