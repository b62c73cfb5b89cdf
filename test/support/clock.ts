/** A clock that the test moves; whoever sleeps on it moves it, too. */
import type { Clock } from '../../lib/ports.ts';

export interface TestClock extends Clock {
  /** Seconds. */
  advance(seconds: number): void;
}

export const testClock = (start = '2026-01-01T00:00:00.000Z'): TestClock => {
  let now = Date.parse(start);
  return {
    now: () => new Date(now),
    async sleep(milliseconds) {
      now += milliseconds;
    },
    advance(seconds) {
      now += seconds * 1000;
    },
  };
};
