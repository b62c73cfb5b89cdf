import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '../support/event-stream.ts';
import { type Begin, runToItsEnd } from './interrupted-run.ts';

/** Changing calls between two kills; `KILL_SKIP=0` kills before and after every single one. */
const SKIP = Number(process.env.KILL_SKIP ?? 11);

const migrateLargestTenant: Begin = (url, { source }) => {
  const servers = (id: string) => source.resources.filter((one) => one.tenant_id === id).length;
  const [largest] = source.tenants.toSorted((a, b) => servers(b.id) - servers(a.id));
  return fetch(`${url}/tenants/${largest?.id}`, { method: 'POST' });
};

/** What was told, as a set: names and what they are about; how often bytes began to flow is left out. */
const story = (events: StreamEvent[]) =>
  events
    .filter(({ name }) => name !== 'image uploading')
    .map(({ name, data }) =>
      `${name} ${data.name ?? ''}`.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'),
    )
    .sort();

describe('a migration whose service is killed', () => {
  test('before and after its calls ends as one that is not', { timeout: 3_600_000 }, async () => {
    const undisturbed = await runToItsEnd(migrateLargestTenant);
    const killed = await runToItsEnd(migrateLargestTenant, SKIP);
    console.log(`${killed.kills} kills, ${killed.events.length} events`);
    expect(killed.kills).toBeGreaterThan(1);
    expect(killed.events.at(-1)?.data.status, JSON.stringify(killed.events.at(-1))).toBe('');
    expect(story(killed.events)).toEqual(story(undisturbed.events));
    expect(killed.clouds).toEqual(undisturbed.clouds);
  });
});
