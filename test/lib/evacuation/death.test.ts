import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evacuationInput } from '../../../lib/commands/evacuation-input.ts';
import { isError } from '../../../lib/domain/errors.ts';
import type { Operation } from '../../../lib/domain/operation.ts';
import type { JourneyInput } from '../../../lib/evacuation/journey.ts';
import { beginOperation } from '../../../lib/operations.ts';
import { all } from '../../../lib/resources/resource-type.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { Death, mortal } from '../../support/mortal.ts';
import { type EvacuationBench, evacuationBench, TASKS } from './bench.ts';

let bench: EvacuationBench;

/** Writes between two deaths that are tried; `DEATH_STEP=1` dies after every single one. */
const STEP = Number(process.env.DEATH_STEP ?? 4);

const workflows = { start: async () => {}, status: async () => 'running' as const };

/** As the state machine does: what still waits is called again. */
const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isError(error, 'StillWaiting', 'CloudBusy')) throw error;
    }
  }
};

const WAYS = {
  live: [TASKS.liveMigrateServer],
  wake: [TASKS.wakeServer, TASKS.liveMigrateServer],
  cold: [TASKS.coldMigrateServer, TASKS.confirmServer],
} as const;

/** The machine of one server: any failure but a death leads to its leave. */
const runJourney = async (runtime: Runtime, input: JourneyInput) => {
  try {
    const way = await patiently(() => TASKS.examineServer(runtime, input));
    if (way === 'nothing') return;
    for (const step of [...WAYS[way], TASKS.settleServer]) {
      await patiently(() => step(runtime, input));
    }
  } catch (error) {
    if (error instanceof Death) throw error;
    const failure = { Cause: JSON.stringify({ errorMessage: (error as Error).message }) };
    await patiently(() => TASKS.leaveServer(runtime, { ...input, failure }));
  }
};

/** The one that fails comes last, so that the others have something to be undone. */
let failing = '';

/** The whole machine from its beginning, as after a restart; the tasks go on where they were. */
const run = async (runtime: Runtime, operation: Operation) => {
  const input = { operation: operation.id };
  await beginOperation(runtime, operation);
  await TASKS.blockHost(runtime, input);
  for (;;) {
    const { task, journey, servers } = await TASKS.listServers(runtime, input);
    if (task === 'finish') break;
    if (task === 'open') await TASKS.openHost(runtime, input);
    const last = (one: string) => Number(one === failing);
    const inOrder = servers.toSorted((a, b) => last(a) - last(b));
    for (const server of inOrder) await runJourney(runtime, { ...input, journey, server });
  }
  await TASKS.finishEvacuation(runtime, input);
};

const streamOf = async (operation: string) =>
  (await bench.runtime.events.read(operation, 0)).map(({ name, data }) => `${name} ${data.id}`);

const operationFor = (id: string, host: string, body: object): Operation => ({
  ...{ id, kind: 'evacuation', state: 'running', createdAt: new Date().toISOString() },
  input: { ...evacuationInput(body).input },
  subject: { type: 'host', cloud: 'source', id: host, name: host },
});

const migrations = async () => {
  const listed = bench.source.list<{ instance_uuid: string }>(
    ...(['compute', '/os-migrations', 'migrations'] as const),
  );
  return (await all(listed)).map(({ instance_uuid }) => instance_uuid).sort();
};

const states = async (host: string) =>
  (await bench.serversAt(host)).map(({ name, status }) => `${name} ${status}`).sort();

beforeAll(async () => {
  bench = await evacuationBench({ tenants: 1, servers: 4 });
});

afterAll(() => bench.close());

/** A host with one server of each kind of way. */
const prepare = async (fails: boolean) => {
  await bench.reset();
  const { host, servers } = await bench.busyHost(1);
  const [first] = servers;
  if (!first) throw new Error('There is no server');
  const [off, asleep] = [await bench.boot(first, 'off'), await bench.boot(first, 'asleep')];
  await bench.bring(off, 'SHUTOFF');
  await bench.bring(asleep, 'SUSPENDED');
  failing = fails ? first.id : '';
  if (fails) await bench.steer(first, { bed_fault: 'live-migration' });
  return host;
};

/** Events without the ids that each seeding makes anew. */
const told = (stream: readonly string[]) =>
  stream.map((line) => line.replace(/ [0-9a-f]{8}-[0-9a-f-]{27}$/, '')).sort();

describe('an evacuation whose process dies', () => {
  test.each([
    ['emptying its host', {}, false],
    ['undoing it after a failure', { on_error: 'undo' }, true],
  ])(
    'after one of its writes, %s, goes on to the same end and does nothing twice',
    async (_what, body, fails) => {
      const runtime = { ...bench.runtime, workflows };
      const host = await prepare(fails);
      await run(runtime, operationFor(`whole ${fails}`, host, body));
      const expected = told(await streamOf(`whole ${fails}`));
      expect(expected).toContain(`host evacuated ${host}`);
      const moves = (await migrations()).length;
      const left = await states(host);
      let deaths = 0;
      for (let writes = 1; ; writes += STEP) {
        await prepare(fails);
        const operation = operationFor(`dies ${fails} ${writes}`, host, body);
        const died = await run(mortal(runtime, writes), operation).then(
          () => false,
          (error) => {
            if (!(error instanceof Death)) throw error;
            return true;
          },
        );
        if (!died) break;
        deaths += 1;
        await run(runtime, operation);
        const when = `death after write ${writes}`;
        expect(told(await streamOf(operation.id)), when).toEqual(expected);
        expect(await migrations(), when).toHaveLength(moves);
        expect(await states(host), when).toEqual(left);
        expect(await bench.runtime.operations.running()).toEqual([]);
      }
      console.log(`${deaths} deaths`);
      expect(deaths).toBeGreaterThan(40 / STEP);
    },
    3_600_000,
  );
});
