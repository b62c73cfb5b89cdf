import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf, type StreamEvent } from '../support/event-stream.ts';
import { type Begin, runToItsEnd } from './interrupted-run.ts';

/** Changing calls between two kills; `KILL_SKIP=0` kills before and after every single one. */
const SKIP = Number(process.env.KILL_SKIP ?? 7);

const WORKLOAD = `
populate: { tenants: 2, servers: 1, volumes: 1, floating_ips: 2 }
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-workload-'));
  await writeFile(join(folder, 'workload.yaml'), WORKLOAD);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The first one, undisturbed, populates the source; the second has that to take away. */
const resetAgain: Begin = async (url) => {
  const reset = () => fetch(`${url}/reset`, { method: 'POST' });
  const { id } = (await (await reset()).json()) as { id: string };
  const last = (await Array.fromAsync(eventsOf(`${url}/events/${id}`))).at(-1);
  if (last?.data.status !== '') throw new Error(JSON.stringify(last));
  return reset();
};

/** Ids, MACs and public addresses are the clouds' own choice, run by run. */
const blank = (text: string) =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'MAC')
    .replace(/198\.18\.\d+\.\d+/g, 'ADDRESS');

/** What was told, as a set: names and what they are about. */
const story = (events: StreamEvent[]) =>
  events.map(({ name, data }) => blank(`${data.cloud} ${name} ${data.name ?? ''}`)).sort();

/** Ports have no names, and which of them has which address is of no account. */
const blanked = (clouds: string[]) =>
  clouds.map((line) => blank(line).replace(/ 10\.42\.\d+\.\d+/g, ' FIXED')).sort();

describe('a reset whose service is killed', () => {
  test('before and after its calls ends as one that is not', { timeout: 3_600_000 }, async () => {
    const options = ['--reset', '--reset-prefix', 'demo-'];
    const more = [...options, '--workload', join(folder, 'workload.yaml')];
    const undisturbed = await runToItsEnd(resetAgain, undefined, more);
    const killed = await runToItsEnd(resetAgain, SKIP, more);
    console.log(`${killed.kills} kills, ${killed.events.length} events`);
    expect(killed.kills).toBeGreaterThan(1);
    expect(killed.events.at(-1)?.data.status, JSON.stringify(killed.events.at(-1))).toBe('');
    expect(story(killed.events)).toEqual(story(undisturbed.events));
    expect(blanked(killed.clouds)).toEqual(blanked(undisturbed.clouds));
  });
});
