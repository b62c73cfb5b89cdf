import { describe, expect, test } from 'vitest';
import { eventsOf, type StreamEvent } from '../support/event-stream.ts';
import { runStruck, type Strike } from './interrupted-run.ts';

const HOST = 'rack1-node1';
const IRONIC = ['--provisioner', 'ironic'];
/** Calls from one that is struck to the next; `KILL_STRIDE=1` strikes every single one. */
const STRIDE = Number(process.env.KILL_STRIDE ?? 8);
/** Beyond every call that a reassignment makes. */
const NEVER: Strike = { outcome: 'hang', after: 1_000_000 };

/** Empties the host undisturbed; what is struck are the calls of its reassignment. */
const reassignHost = async (url: string, arm: () => Promise<void>): Promise<Response> => {
  const evacuation = await fetch(`${url}/hosts/${HOST}`, { method: 'POST' });
  const { id } = (await evacuation.json()) as { id: string };
  const last = (await Array.fromAsync(eventsOf(`${url}/events/${id}`))).at(-1);
  if (last?.data.status !== '') throw new Error(JSON.stringify(last));
  await arm();
  return fetch(`${url}/hosts/${HOST}`, { method: 'DELETE' });
};

/** What was told, without how often it was looked: states are passed unseen by whoever is dead. */
const story = (events: StreamEvent[]) =>
  events
    .filter(({ name }) => name !== 'host provisioning')
    .map(({ name, data: { at: _at, ...data } }) => `${name} ${JSON.stringify(data)}`);

const progress = (events: StreamEvent[]) =>
  events.flatMap(({ data }) => (data.progress === undefined ? [] : Number(data.progress)));

describe('a reassignment whose service is killed', () => {
  test.each(['hang', 'mute'] as const)(
    'at its calls (%s) ends as one that is not',
    { timeout: 3_600_000 },
    async (outcome) => {
      const undisturbed = await runStruck(reassignHost, NEVER, IRONIC);
      let kills = 0;
      for (let after = 0; ; after += STRIDE) {
        const killed = await runStruck(reassignHost, { outcome, after }, IRONIC);
        if (killed.kills === 0) break;
        kills += killed.kills;
        expect(story(killed.events), `call ${after}`).toEqual(story(undisturbed.events));
        expect(progress(killed.events)).toEqual(progress(killed.events).toSorted((a, b) => a - b));
        expect(killed.clouds, `call ${after}`).toEqual(undisturbed.clouds);
      }
      console.log(`${outcome}: ${kills} kills`);
      expect(kills).toBeGreaterThanOrEqual(Math.floor(16 / STRIDE));
    },
  );
});
