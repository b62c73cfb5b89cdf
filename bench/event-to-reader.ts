/**
 * From the commit of an event to its reader at the other end of the feed's HTTP connection, beside the
 * same event read back from the table at once. Run: node bench/event-to-reader.ts [events]
 */
import { randomUUID } from 'node:crypto';
import { EventSource } from 'eventsource';
import { openStores } from '../lib/dynamodb/stores.ts';
import { record } from '../lib/record.ts';
import { systemClock } from '../lib/runtime.ts';
import { median, timed, withService } from './embedded-service.ts';

const EVENTS = Number(process.argv[2] ?? 60);

await withService({}, async ({ url, tableName }) => {
  const stores = openStores(tableName, systemClock);
  const id = randomUUID();
  await stores.operations.begin({
    ...{ id, kind: 'migration', input: {}, state: 'running', createdAt: new Date().toISOString() },
    subject: { type: 'tenant', cloud: 'source', id, name: 'bench' },
  });
  const arrived = new Map<string, number>();
  const source = new EventSource(`${url}/events/${id}`);
  source.addEventListener('operation progress', ({ data }) =>
    arrived.set(String(JSON.parse(data).step), performance.now()),
  );
  await new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
  const [toReader, toTable]: number[][] = [[], []];
  for (let n = 0; n < EVENTS; n += 1) {
    const step = `step ${n}`;
    await record(stores, { operation: id, step, name: 'operation progress', data: { step } });
    const committed = performance.now();
    toTable?.push(await timed(() => stores.events.read(id, n)));
    while (!arrived.has(step)) await systemClock.sleep(1);
    toReader?.push((arrived.get(step) ?? 0) - committed);
    await systemClock.sleep(Math.random() * 300);
  }
  source.close();
  const sorted = (toReader ?? []).toSorted((a, b) => a - b);
  const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
  console.log(`${EVENTS} events, from their commit`);
  console.log(
    `to the reader      ${median(sorted).toFixed(0)} ms median, ${p95.toFixed(0)} ms p95`,
  );
  console.log(`out of the table   ${median(toTable ?? []).toFixed(1)} ms median`);
  const ratio = median(sorted) / median(toTable ?? []);
  console.log(`                   ${ratio.toFixed(0)} x: the feed looks every 250 ms`);
});
process.exit(0);
