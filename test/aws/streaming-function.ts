/** The packaged streaming function, out of its zip, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { unzip } from '../../bench/zip.ts';
import { type DeployedService, variable } from './deployed-service.ts';

export interface StreamingFunction {
  /** Where what the API redirects to is streamed. */
  at(location: string): string;
  stop(): Promise<void>;
}

const unpack = async (name: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-function-'));
  const zip = await readFile(join(variable('PACKAGE'), `${name}.zip`));
  for (const [path, content] of unzip(zip)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
};

export const streamingFunction = async (service: DeployedService): Promise<StreamingFunction> => {
  const folder = await unpack('streamEvents');
  const program = `${import.meta.dirname}/stream-function.ts`;
  const child = spawn(process.execPath, [program, folder, 'functions/stream-events.handler'], {
    env: { ...process.env, ...(await service.environment('streamEvents')) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const [url] = await once(lines, 'line');
  return {
    at: (location) => {
      const { pathname, search } = new URL(location);
      return `${url}${pathname}${search}`;
    },
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
