import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../../lib/domain/errors.ts';
import type { Operation } from '../../../lib/domain/operation.ts';
import { hostOf } from '../../../lib/evacuation/evacuation.ts';
import { beginOperation } from '../../../lib/operations.ts';
import type { Cloud } from '../../../lib/ports.ts';
import { all } from '../../../lib/resources/resource-type.ts';
import type { Server } from '../../../lib/resources/server.ts';
import type { Runtime } from '../../../lib/runtime.ts';
import { blockHost } from '../../../stepfunctions/evacuate-host/tasks/block-host.ts';
import { finishEvacuation } from '../../../stepfunctions/evacuate-host/tasks/finish-evacuation.ts';
import { listServers } from '../../../stepfunctions/evacuate-host/tasks/list-servers.ts';
import { liveMigrateServer } from '../../../stepfunctions/evacuate-host/tasks/live-migrate-server.ts';
import { Death, mortal } from '../../support/mortal.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

let bench: SimulatedRuntime;
let source: Cloud;

const workflows = { start: async () => {}, status: async () => 'running' as const };

const serversOfAll = () =>
  all(
    source.list<Server>('compute', '/servers/detail', 'servers', { query: { all_tenants: true } }),
  );

const busiest = (servers: readonly Server[]) => {
  const hosts = Map.groupBy(
    servers.filter(({ status }) => status === 'ACTIVE'),
    hostOf,
  );
  return [...hosts].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? '';
};

/** As the state machine does: what still waits is called again. */
const patiently = async (work: () => Promise<unknown>) => {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isError(error, 'StillWaiting', 'CloudBusy')) throw error;
    }
  }
};

/** The whole machine from its beginning, as after a restart; the tasks go on where they were. */
const run = async (runtime: Runtime, operation: Operation) => {
  const input = { operation: operation.id };
  await beginOperation(runtime, operation);
  await blockHost(runtime, input);
  const { servers } = await listServers(runtime, input);
  for (const server of servers) {
    await patiently(() => liveMigrateServer(runtime, { ...input, server }));
  }
  await finishEvacuation(runtime, input);
};

const streamOf = async (operation: string) =>
  (await bench.runtime.events.read(operation, 0)).map(({ name, data }) => `${name} ${data.id}`);

const operationFor = (id: string, host: string): Operation => ({
  ...{ id, kind: 'evacuation', state: 'running', input: {}, createdAt: new Date().toISOString() },
  subject: { type: 'host', cloud: 'source', id: host, name: host },
});

const migrations = async () =>
  (
    await all(source.list<{ instance_uuid: string }>('compute', '/os-migrations', 'migrations'))
  ).map(({ instance_uuid }) => instance_uuid);

beforeAll(async () => {
  bench = await openSimulatedRuntime({}, {}, { tenants: 1, servers: 4, imageMib: 1 });
  ({ source } = await bench.runtime.clouds());
});

afterAll(() => bench.close());

describe('an evacuation whose process dies', () => {
  test('after each single write, goes on to the same end and does nothing twice', async () => {
    const runtime = { ...bench.runtime, workflows };
    const host = busiest(await serversOfAll());
    await run(runtime, operationFor('whole', host));
    const expected = (await streamOf('whole')).sort();
    expect(expected).toContain(`host evacuated ${host}`);
    let deaths = 0;
    for (let writes = 1; ; writes += 1) {
      await bench.reset();
      const operation = operationFor(`dies-${writes}`, host);
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
      const stream = await streamOf(operation.id);
      expect(stream.sort(), `death after write ${writes}`).toEqual(expected);
      const migrated = await migrations();
      expect(new Set(migrated).size, `death after write ${writes}`).toBe(migrated.length);
      expect(await bench.runtime.operations.running()).toEqual([]);
    }
    expect(deaths).toBeGreaterThan(20);
  }, 180_000);
});
