/**
 * `node embedded-run.ts FOLDER`: gives the orders of `operations.ts` to the embedded run over simulated
 * clouds of its own, and prints what it told as JSON.
 */
import { handler as synchronise } from '../../functions/synchronise-world.ts';
import { startService } from '../../lib/local/service.ts';
import { eventsOf } from '../support/event-stream.ts';
import type { Resources } from './comparison.ts';
import { run, WORKLOAD } from './operations.ts';

const [, , data = ''] = process.argv;
const { imageMib, ...sizes } = WORKLOAD;
const service = await startService({
  ...{ port: 0, data, finalize: 'auto', quiesce: 'suspend', reset: false },
  simulator: { ...sizes, imageMiB: imageMib },
});
await service.listed;

const order = async (method: string, path: string) => {
  const answer = await fetch(`${service.url}${path}`, { method });
  const location = answer.headers.get('location');
  if (!location) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
  const events = await Array.fromAsync(eventsOf(`${service.url}${location}`));
  return { id: location.replace('/events/', ''), events };
};

const resources = async () => (await (await fetch(`${service.url}/resources`)).json()) as Resources;

try {
  const told = await run({ resources, order, synchronise });
  process.stdout.write(`${JSON.stringify(told)}\n`);
} finally {
  await service.stop();
}
