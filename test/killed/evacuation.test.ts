import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '../support/event-stream.ts';
import { type Begin, runStruck, runToItsEnd, type Strike } from './interrupted-run.ts';

/** Changing calls between two kills; `KILL_SKIP=0` kills before and after every single one. */
const SKIP = Number(process.env.KILL_SKIP ?? 1);

/** Calls from one that is struck to the next; `KILL_STRIDE=1` strikes every single one. */
const STRIDE = Number(process.env.KILL_STRIDE ?? 8);
/** Beyond every call that an evacuation makes. */
const NEVER: Strike = { outcome: 'hang', after: 1_000_000 };

/** Hosts of the seeded workload, by what is on them. */
const HOSTS = [
  ['rack1-node1', 'running and suspended servers'],
  ['rack2-node1', 'a running server and two that are off'],
  ['rack2-node2', 'running and paused servers'],
] as const;

/** Begins to empty the host, and remembers the names of the servers, whose ids differ run by run. */
const evacuate = (host: string) => {
  const names = new Map<unknown, string>();
  const begin: Begin = (url, { source }) => {
    const all = source.resources as unknown as { type: string; id: string; name: string }[];
    for (const { type, id, name } of all) if (type === 'server') names.set(id, name);
    return fetch(`${url}/hosts/${host}`, { method: 'POST' });
  };
  /** What was told, as a set; how far a migration had come in between is left out. */
  const story = (events: StreamEvent[]) =>
    events
      .filter(({ name }) => name !== 'operation progress')
      .map(({ name, data }) => `${name} ${names.get(data.id) ?? data.id} ${data.status ?? ''}`)
      .sort();
  return { begin, story };
};

const arrivals = (events: StreamEvent[]) =>
  events.flatMap(({ data }) => (data.host_name === undefined ? [] : [data.host_name]));

describe('an evacuation whose service is killed', () => {
  test.each(HOSTS)(
    'before and after its calls ends as one that is not: %s, with %s',
    async (host) => {
      const [quiet, loud] = [evacuate(host), evacuate(host)];
      const undisturbed = await runToItsEnd(quiet.begin);
      const killed = await runToItsEnd(loud.begin, SKIP);
      console.log(`${host}: ${killed.kills} kills, ${killed.events.length} events`);
      expect(killed.kills).toBeGreaterThan(0);
      expect(killed.events.at(-1)?.data.status, JSON.stringify(killed.events.at(-1))).toBe('');
      expect(loud.story(killed.events)).toEqual(quiet.story(undisturbed.events));
      expect(arrivals(killed.events)).not.toContain(host);
      expect(killed.clouds).toEqual(undisturbed.clouds);
    },
    3_600_000,
  );

  test.each(HOSTS.slice(0, 2))(
    'at one of its calls, and at the first after the restart, ends as one that is not: %s, with %s',
    async (host) => {
      const run = async (strike: Strike) => {
        const { begin, story } = evacuate(host);
        const ended = await runStruck(async (url, arm) => {
          const world = await (await fetch(`${url}/resources`)).json();
          await arm();
          return begin(url, world as Parameters<Begin>[1]);
        }, strike);
        return { ...ended, told: story(ended.events) };
      };
      const undisturbed = await run(NEVER);
      let kills = 0;
      for (const outcome of ['hang', 'mute'] as const) {
        for (let after = 0; ; after += STRIDE) {
          const killed = await run({ outcome, after });
          if (killed.kills === 0) break;
          kills += killed.kills;
          expect(killed.told, `${outcome} ${after}`).toEqual(undisturbed.told);
          expect(arrivals(killed.events), `${outcome} ${after}`).not.toContain(host);
          expect(killed.clouds, `${outcome} ${after}`).toEqual(undisturbed.clouds);
        }
      }
      console.log(`${host}: ${kills} kills`);
      expect(kills).toBeGreaterThan(Math.floor(8 / STRIDE));
    },
    3_600_000,
  );
});
