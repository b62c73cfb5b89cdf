/**
 * One operation over simulated clouds, its service killed with SIGKILL at the calls it makes: before
 * the work is done (the call hangs) and after it (the answer never comes), then started again.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '../../lib/simulator/simulator.ts';
import { eventsOf, type StreamEvent } from '../support/event-stream.ts';
import { type RunningService, runningService, spawnedService } from '../support/running-service.ts';
import { cloudsAsTheyAre } from './clouds-as-they-are.ts';

/** What begins the operation, once the world is known. */
export type Begin = (
  url: string,
  world: { source: { tenants: { id: string; name: string }[]; resources: Resource[] } },
) => Promise<Response>;

interface Resource {
  type: string;
  tenant_id?: string;
  host_name?: string;
}

export interface Ended {
  events: StreamEvent[];
  /** Both clouds afterwards. */
  clouds: string[];
  kills: number;
}

const METHODS = ['POST', 'PUT', 'DELETE', 'PATCH'];
/** Everything that changes something; tokens are nobody's. */
const CHANGES = '^(?!/auth/tokens)';

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
};

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const control = (simulator: Simulator, method: string, path: string, body?: unknown) =>
  fetch(`${simulator.url}/_simulator/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  });

/** Lets the `after`-th changing call from now strike, whatever its method. */
const script = async (simulator: Simulator, then: 'hang' | 'mute', after: number) => {
  await control(simulator, 'DELETE', 'faults');
  await control(simulator, 'DELETE', 'calls');
  const list = METHODS.map((method) => ({ method, path: CHANGES, after, times: 1, then }));
  await control(simulator, 'POST', 'faults', { list });
};

const hasStruck = async (simulator: Simulator) => {
  const { calls } = (await (await control(simulator, 'GET', 'calls')).json()) as {
    calls: { status: number }[];
  };
  return calls.some(({ status }) => status === 0);
};

const isRunning = async (url: string, id: string) => {
  const response = await fetch(`${url}/resources`).catch(() => undefined);
  if (!response?.ok) return true;
  return ((await response.json()) as { events: string[] }).events.includes(id);
};

/** True when a call has struck, false when the operation has ended before. */
const untilStruckOrEnded = async (simulator: Simulator, url: string, id: string) => {
  for (;;) {
    if (await hasStruck(simulator)) return true;
    if (!(await isRunning(url, id))) return false;
    await pause(50);
  }
};

interface Stage {
  simulator: Simulator;
  url: string;
  options: string[];
}

type Stoppable = Pick<RunningService, 'stop'>;

/**
 * How many changing calls pass before each pair of kills. With 0 every call is struck; a call that a
 * repeat makes again would be struck for ever, so every other pair lets some more pass.
 */
const passing = (skip: number, pair: number) => skip + (skip === 0 ? pair % 12 : 0);

/** Kills before and after one call, lets some pass, and so on to the end; start-ups are no haven. */
const interrupt = async (
  { simulator, url, options }: Stage,
  first: Stoppable,
  id: string,
  skip: number,
) => {
  let service = first;
  let kills = 0;
  for (let turn = 0; ; turn += 1) {
    await script(simulator, turn % 2 === 0 ? 'hang' : 'mute', passing(skip, turn >> 1));
    if (turn > 0) service = spawnedService(...options);
    if (!(await untilStruckOrEnded(simulator, url, id))) break;
    await service.stop('SIGKILL');
    kills += 1;
  }
  await control(simulator, 'DELETE', 'faults');
  return { service, kills };
};

/** Starts fresh clouds and a service; what `work` leaves running is stopped. */
const onStage = async (
  more: readonly string[],
  work: (
    stage: Stage,
    first: Stoppable,
  ) => Promise<{ id: string; kills: number; service: Stoppable }>,
): Promise<Ended> => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-killed-'));
  const simulator = await startSimulator({ dataDir: join(folder, 'clouds'), pace: 0, imageMib: 1 });
  const file = join(folder, 'clouds.yaml');
  await writeFile(file, simulator.cloudsYaml());
  const options = [
    ...['--clouds', file, '--source', 'source', '--destination', 'destination'],
    ...['--data', join(folder, 'data'), '--port', String(await freePort())],
    ...more,
  ];
  const started = await runningService(...options);
  const { url } = started;
  let service: Stoppable = started;
  try {
    const done = await work({ simulator, url, options }, started);
    service = done.service;
    const events = await Array.fromAsync(eventsOf(`${url}/events/${done.id}`));
    return { events, clouds: await cloudsAsTheyAre(simulator.cloudsYaml()), kills: done.kills };
  } finally {
    await service.stop();
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
};

const idOf = async (answer: Response): Promise<string> => {
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
};

/**
 * Runs the operation to its end on fresh clouds of the same workload.
 * @param skip changing calls between two kills; absent for an undisturbed run
 * @param more options of the service
 */
export const runToItsEnd = (
  begin: Begin,
  skip?: number,
  more: readonly string[] = [],
): Promise<Ended> =>
  onStage(more, async (stage, service) => {
    const world = await (await fetch(`${stage.url}/resources`)).json();
    const id = await idOf(await begin(stage.url, world as Parameters<Begin>[1]));
    if (skip === undefined) return { id, service, kills: 0 };
    return { id, ...(await interrupt(stage, service, id, skip)) };
  });

/** One changing call, counted over all methods from when the strike is armed. */
export interface Strike {
  outcome: 'hang' | 'mute';
  after: number;
}

/**
 * Runs the operation on fresh clouds and kills its service at one call, and at the first that it
 * makes when it is started again.
 * @param begin arms the strike once nothing else is going on
 */
export const runStruck = (
  begin: (url: string, arm: () => Promise<void>) => Promise<Response>,
  strike: Strike,
  more: readonly string[] = [],
): Promise<Ended> =>
  onStage(more, async (stage, first) => {
    const { simulator, url, options } = stage;
    const arm = async (rule?: Strike) => {
      await control(simulator, 'DELETE', 'faults');
      await control(simulator, 'DELETE', 'calls');
      const list = [{ ...rule, method: METHODS.join('|'), path: CHANGES, times: 1 }];
      if (rule) await control(simulator, 'POST', 'faults', { list });
    };
    const id = await idOf(await begin(url, () => arm(strike)));
    let service = first;
    let kills = 0;
    while (await untilStruckOrEnded(simulator, url, id)) {
      await service.stop('SIGKILL');
      kills += 1;
      await arm(kills === 1 ? { outcome: 'mute', after: 0 } : undefined);
      service = spawnedService(...options);
    }
    await control(simulator, 'DELETE', 'faults');
    return { id, service, kills };
  });
