/**
 * What happens by itself: each transition is a row with the time when it is due, so that a restart loses none.
 * They are carried out when somebody looks: before each call, and in the order of their times.
 */
import type { SimulatedCloud } from './cloud.ts';
import type { Due } from './model.ts';

/** A transition that returns a promise (it reads bytes) goes on beside the calls, and is over when it settles. */
export type Transition = (cloud: SimulatedCloud, due: Due) => unknown;
export type Transitions = Record<string, Transition>;

export interface DueQueue {
  /** Carries out everything that is due; what takes long goes on behind. */
  settle(): void;
  /** Waits for what goes on behind. */
  quiet(): Promise<void>;
}

export function dueQueue(
  cloud: SimulatedCloud,
  transitions: Transitions,
  commit: () => void,
): DueQueue {
  const running = new Map<string, Promise<void>>();
  const next = () => {
    const now = cloud.now().getTime();
    return cloud.due
      .where((due) => due.at <= now && !running.has(due.id))
      .sort((a, b) => a.at - b.at)[0];
  };
  const end = (due: Due) => {
    cloud.due.drop(due.id);
    running.delete(due.id);
    commit();
  };
  return {
    settle() {
      for (let due = next(); due; due = next()) {
        const done = due;
        const work = transitions[due.task]?.(cloud, due);
        if (work instanceof Promise)
          running.set(
            due.id,
            work.then(() => end(done)),
          );
        else cloud.due.drop(due.id);
      }
      commit();
    },
    async quiet() {
      await Promise.allSettled(running.values());
    },
  };
}
