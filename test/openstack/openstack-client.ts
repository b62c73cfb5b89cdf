/** The real OpenStack client, answering for one cloud of a `clouds.yaml`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Answer {
  code: number;
  out: string;
  err: string;
}

export interface OpenStackClient {
  /** Runs `openstack --os-cloud CLOUD WORDS...` and tells how it ended. */
  run(...words: string[]): Promise<Answer>;
  /** The same for a command that must succeed, with `-f json`. */
  json<T>(...words: string[]): Promise<T>;
  close(): Promise<void>;
}

/** One process of `client.py`; commands are run one after another. */
export const openStackClient = (cloudsFile: string, cloud: string): OpenStackClient => {
  const child = spawn(`${import.meta.dirname}/client.py`, [cloud], {
    env: { ...process.env, OS_CLIENT_CONFIG_FILE: cloudsFile },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let turn: Promise<unknown> = Promise.resolve();

  const run = (...words: string[]): Promise<Answer> => {
    const answer = turn.then(async () => {
      child.stdin.write(`${JSON.stringify(words)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`the OpenStack client died at: openstack ${words.join(' ')}`);
      return JSON.parse(value) as Answer;
    });
    turn = answer.catch(() => undefined);
    return answer;
  };

  return {
    run,
    json: async <T>(...words: string[]) => {
      const { code, out, err } = await run(...words, '-f', 'json');
      if (code !== 0) throw new Error(`openstack ${words.join(' ')} ended with ${code}: ${err}`);
      return JSON.parse(out) as T;
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
};
