/** A runtime whose process dies: after so many writes, whatever it does next is done no more. */
import type { Clouds, Runtime } from '../../lib/runtime.ts';

export class Death extends Error {
  override readonly name = 'Death';
}

/** What changes something outside, by what it belongs to. */
const WRITES = {
  cloud: ['post', 'put', 'patch', 'delete', 'upload'],
  events: ['append'],
  world: ['apply'],
  plans: ['put', 'intend', 'update', 'remember'],
  operations: ['begin', 'end', 'lock', 'unlock'],
  timetable: ['add', 'arm', 'postpone', 'serve', 'remove'],
} as const;

/** Lives for `writes` writes; the last of them is done, but nobody hears of it. */
export const mortal = (runtime: Runtime, writes: number): Runtime => {
  let left = writes;
  const guard = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(from, name, receiver) {
        const value = Reflect.get(from, name, receiver);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (left <= 0) throw new Death();
          if (!names.includes(String(name))) return value.apply(from, args);
          left -= 1;
          const result = await value.apply(from, args);
          if (left <= 0) throw new Death();
          return result;
        };
      },
    });
  const clouds = async (): Promise<Clouds> => {
    const { source, destination } = await runtime.clouds();
    const guarded = { source: guardCloud(source) };
    return destination ? { ...guarded, destination: guardCloud(destination) } : guarded;
  };
  const guardCloud = (cloud: Clouds['source']): Clouds['source'] => {
    const guarded = guard(cloud, WRITES.cloud);
    return new Proxy(guarded, {
      // A listing is an iterable, not a promise, and changes nothing.
      get: (from, name, receiver) =>
        name === 'list' ? cloud.list.bind(cloud) : Reflect.get(from, name, receiver),
    });
  };
  return {
    ...runtime,
    clouds,
    events: guard(runtime.events, WRITES.events),
    world: guard(runtime.world, WRITES.world),
    plans: guard(runtime.plans, WRITES.plans),
    operations: guard(runtime.operations, WRITES.operations),
    timetable: guard(runtime.timetable, WRITES.timetable),
  };
};
