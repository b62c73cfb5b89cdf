/**
 * Two simulated OpenStack clouds in a process of their own: killed and started again they are the
 * same clouds, on the same port.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SimulatorOptions } from './options.ts';
import { StartRefused } from './refusal.ts';

const PROGRAM = join(import.meta.dirname, '../simulator/main.ts');

/** Milliseconds before a simulator that died is started again. */
const PAUSE = 250;
/** So many deaths without one answer in between, and it is given up. */
const ATTEMPTS = 5;

export interface SimulatedClouds {
  /** Where they are steered. */
  url: string;
  cloudsYaml: string;
  pid(): number | undefined;
  stop(): Promise<void>;
}

interface Given extends SimulatorOptions {
  /** Folder of their state. */
  data: string;
  report: (line: string) => void;
  /** What is run instead of the simulator. */
  program?: string;
}

const commandLine = (given: Given, port: number): string[] => {
  const { seed, tenants, servers, imageMiB, pace } = given;
  const sizes = { seed, tenants, servers, 'image-mib': imageMiB, pace };
  const options = Object.entries(sizes).filter(([, value]) => value !== undefined);
  return [
    given.program ?? PROGRAM,
    ...['--data', given.data, '--port', String(port), '--with-parent'],
    ...options.flatMap(([name, value]) => [`--${name}`, String(value)]),
  ];
};

const exitOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

/** Starts the process; answers once it says that it is ready. */
const launch = async (
  given: Given,
  port: number,
): Promise<{ child: ChildProcess; port: number }> => {
  // Its input is a pipe that ends when this process does.
  const child = spawn(process.execPath, commandLine(given, port), {
    stdio: ['pipe', 'pipe', 'inherit'],
    // In a group of its own: Ctrl+C is for us, and we stop it in our turn.
    detached: true,
  });
  child.stdin?.on('error', () => {});
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  void exitOf(child).then(() => reject(new StartRefused('the simulated clouds do not start')));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line) as { ready?: boolean; port?: number };
    if (message.ready && message.port) resolve(message.port);
  });
  return { child, port: await promise };
};

const fetchYaml = async (url: string): Promise<string> => {
  const response = await fetch(`${url}/_simulator/clouds.yaml`);
  if (response.ok) return response.text();
  throw new StartRefused(`the simulated clouds answer ${response.status}`);
};

/**
 * Starts the simulated clouds and keeps them running until they are stopped.
 * @throws StartRefused when they do not come up
 */
export const startSimulatedClouds = async (given: Given): Promise<SimulatedClouds> => {
  const first = await launch(given, 0);
  const { port } = first;
  let { child } = first;
  let stopped = false;
  const keepAlive = async (): Promise<void> => {
    for (let failures = 0; failures < ATTEMPTS; ) {
      await exitOf(child);
      if (stopped) return;
      given.report('the simulated clouds died and are started again');
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      if (stopped) return;
      const again = await launch(given, port).catch(() => undefined);
      failures = again ? 0 : failures + 1;
      child = again?.child ?? child;
      if (stopped) child.kill('SIGTERM');
    }
    given.report('the simulated clouds do not start any more: start the service anew');
  };
  const kept = keepAlive();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    cloudsYaml: await fetchYaml(url),
    pid: () => child.pid,
    async stop() {
      stopped = true;
      child.kill('SIGTERM');
      await exitOf(child);
      await kept;
    },
  };
};
