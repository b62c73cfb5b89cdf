/**
 * The real runtime over two simulated clouds, a table in memory and the embedded state machines, each
 * a server of the test's own on loopback. What a handler gets on AWS, a test gets here.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PumphouseEvent } from '../../lib/domain/event.ts';
import { applyEnvironment } from '../../lib/local/environment.ts';
import type { States } from '../../lib/local/state-language.ts';
import { type StepFunctions, startStepFunctions } from '../../lib/local/step-functions.ts';
import { worldListings } from '../../lib/resources/index.ts';
import { openRuntime, type Runtime, systemClock } from '../../lib/runtime.ts';
import { startSimulator } from '../../lib/simulator/simulator.ts';
import { synchronisePorts, synchroniseWorld } from '../../lib/synchronise.ts';
import { openTable } from './table.ts';

type Tasks = Record<string, (runtime: Runtime, input: never) => Promise<unknown>>;

export interface SimulatedRuntime {
  runtime: Runtime;
  simulatorUrl: string;
  machines: StepFunctions;
  /** Back to the seeded workload, without faults. */
  reset(): Promise<void>;
  /** Makes calls fail: which ones, and what they get instead of an answer. */
  fault(calls: object, outcome: object | 'hang' | 'cut' | 'lose'): Promise<void>;
  synchronise(configs?: Awaited<ReturnType<Runtime['cloudConfigs']>>): Promise<void>;
  /** The whole stream of an operation, once it has ended. */
  stream(operation: string): Promise<PumphouseEvent[]>;
  close(): Promise<void>;
}

const arn = (name: string) => `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;

/** The machine of the repository; a task is called by the name that its file exports. */
const definitionOf = (machine: string): States => {
  const file = join(import.meta.dirname, `../../stepfunctions/${machine}/definition.asl.json`);
  const text = readFileSync(file, 'utf8');
  const named = text
    .replace(/\$\{EvacuateServerMachine\}/, arn('evacuate-server'))
    .replace(/\$\{(\w)(\w*)\}/g, (_, first, rest) => first.toLowerCase() + rest);
  return JSON.parse(named) as States;
};

const startMachines = (folder: string, tasks: Tasks, runtime: () => Runtime) =>
  startStepFunctions({
    machines: [
      { name: 'evacuate', arn: arn('evacuate'), definition: definitionOf('evacuate-host') },
      {
        ...{ name: 'evacuate-server', arn: arn('evacuate-server') },
        definition: definitionOf('evacuate-server'),
      },
    ],
    invoke: (name, payload) => {
      const task = tasks[name];
      if (!task) throw new Error(`There is no task ${name}`);
      return task(runtime(), payload as never);
    },
    recordsFile: join(folder, 'executions.sqlite'),
    waitScale: 0.05,
  });

const poll = async (runtime: Runtime, operation: string) => {
  for (;;) {
    const found = await runtime.operations.get(operation);
    if (found?.state === 'ended') return runtime.events.read(operation, 0);
    await runtime.clock.sleep(20);
  }
};

const steer = async (simulator: string, method: string, path: string, body: unknown = {}) => {
  const url = `${simulator}/_simulator/${path}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status} ${await answer.text()}`);
};

/**
 * @param env what a test sets otherwise, e.g. `RESET_ENABLED`
 * @param size of the seeded workload; `pace` is how fast its clouds are, at once when absent
 */
export const openSimulatedRuntime = async (
  tasks: Tasks = {},
  env: Record<string, string> = {},
  size: { tenants?: number; servers?: number; imageMib?: number; pace?: number } = {},
): Promise<SimulatedRuntime> => {
  const folder = mkdtempSync(join(tmpdir(), 'pumphouse-test-'));
  const clouds = await startSimulator({ dataDir: folder, pace: 0, ...size });
  const file = join(folder, 'clouds.yaml');
  writeFileSync(file, clouds.cloudsYaml(), { mode: 0o600 });
  const table = await openTable(systemClock);
  const machines = await startMachines(folder, tasks, () => runtime);
  const restore = applyEnvironment({ AWS_ENDPOINT_URL_SFN: machines.url });
  const runtime = openRuntime({
    ...{ TABLE_NAME: table.name, CLOUDS_FILE: file, FEED_URL: 'http://127.0.0.1', TICKET_KEY: 'k' },
    ...{ SOURCE_CLOUD: 'source', DESTINATION_CLOUD: 'destination', SIMULATOR_URL: clouds.url },
    ...{ EVACUATE_HOST_MACHINE: arn('evacuate'), MIGRATE_TENANT_MACHINE: arn('migrate') },
    REASSIGN_HOST_MACHINE: arn('reassign'),
    ...{ WATCH_SECONDS: '2', ...env },
  });
  return {
    ...{ runtime, machines, simulatorUrl: clouds.url },
    async reset() {
      await steer(clouds.url, 'DELETE', 'faults');
      await clouds.reset();
    },
    fault: (calls, outcome) =>
      // Not written as a literal: an object with a `then` looks like a promise.
      steer(
        clouds.url,
        'POST',
        'faults',
        Object.fromEntries([...Object.entries(calls), ['then', outcome]]),
      ),
    async synchronise(configs) {
      const cloudConfigs = async () => configs ?? runtime.cloudConfigs();
      await synchroniseWorld(await synchronisePorts({ ...runtime, cloudConfigs }), worldListings);
    },
    stream: (operation) => poll(runtime, operation),
    async close() {
      await machines.stop();
      await clouds.close();
      await table.close();
      restore();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
