/** The service as a user starts it, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface RunningService {
  /** `http://127.0.0.1:PORT`, as its `ready` line says. */
  url: string;
  /** Everything it has printed. */
  output(): string;
  /** Ends it as Ctrl+C does, or at once with SIGKILL. */
  stop(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
}

const readyLine = async (child: ChildProcess, printed: string[]): Promise<string> => {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', (line) => printed.push(line));
  }
  for (;;) {
    const ready = printed.map((line) => /^ready (http:\S+)/.exec(line)?.[1]).find(Boolean);
    if (ready) return ready;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the service ended before it was ready:\n${printed.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Starts `lib/local/start.ts` with these options and does not wait for anything. */
export const spawnedService = (...options: string[]) => {
  const printed: string[] = [];
  const start = `${import.meta.dirname}/../../lib/local/start.ts`;
  const child = spawn(process.execPath, [start, '--port', '0', ...options]);
  const ready = readyLine(child, printed);
  ready.catch(() => {});
  return {
    /** The URL of its `ready` line, once it has said so. */
    ready,
    output: () => printed.join('\n'),
    stop: async (signal: 'SIGINT' | 'SIGKILL' = 'SIGINT') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
};

/** Starts the service and waits for its `ready` line. */
export const runningService = async (...options: string[]): Promise<RunningService> => {
  const { ready, ...service } = spawnedService(...options);
  return { ...service, url: await ready };
};
