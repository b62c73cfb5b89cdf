import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const PREPARE = join(import.meta.dirname, '../../lib/local/prepare.mjs');

/** A project with a lock file, and an npm on the PATH that notes how it was called. */
const project = (npm = '') => {
  const root = mkdtempSync(join(tmpdir(), 'pumphouse-prepare-'));
  mkdirSync(join(root, 'lib/local'), { recursive: true });
  mkdirSync(join(root, 'bin'));
  copyFileSync(PREPARE, join(root, 'lib/local/prepare.mjs'));
  const lock = (text: string) => writeFileSync(join(root, 'package-lock.json'), text);
  const fake = (script: string) => {
    const body = `#!/bin/sh\necho "$@" >> calls\nmkdir -p node_modules\n${script}\n`;
    writeFileSync(join(root, 'bin/npm'), body);
    chmodSync(join(root, 'bin/npm'), 0o755);
  };
  lock('{}');
  fake(npm);
  const { npm_execpath: _, ...environment } = process.env;
  const env = { ...environment, PATH: `${join(root, 'bin')}${delimiter}${process.env.PATH}` };
  const run = (...before: string[]) =>
    spawnSync(process.execPath, [...before, 'lib/local/prepare.mjs'], {
      cwd: root,
      env,
      encoding: 'utf8',
    });
  const calls = () => {
    const file = join(root, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  return { root, lock, fake, run, calls };
};

describe('preparing a clone', () => {
  it('installs once, says so in one line, and does nothing the next time', () => {
    const { run, calls } = project();
    const first = run();
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout.trim().split('\n')).toHaveLength(1);
    expect(calls()[0]).toMatch(/^ci --no-audit --no-fund/);
    expect(run()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(calls()).toHaveLength(1);
  });

  it('installs again when the lock file has changed', () => {
    const { run, calls, lock } = project();
    run();
    lock('{"changed":true}');
    run();
    expect(calls()).toHaveLength(2);
  });

  it('installs again when an install was killed half way', () => {
    const { root, run, calls, fake } = project('kill -9 $PPID');
    run();
    expect(existsSync(join(root, 'node_modules'))).toBe(true);
    fake('');
    expect(run().status).toBe(0);
    expect(calls()).toHaveLength(2);
  });

  it('ends with a clear line when npm fails or is not there', () => {
    const { root, run } = project('echo "npm error 404" >&2; exit 1');
    const failed = run();
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/404[\s\S]*npm ci failed/);
    rmSync(join(root, 'bin/npm'));
    const { status, stderr } = spawnSync(process.execPath, ['lib/local/prepare.mjs'], {
      cwd: root,
      env: { PATH: join(root, 'bin') },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/npm cannot be run/);
    expect(stderr).not.toMatch(/ at /);
  });

  it('ends with a clear line when Node is too old', () => {
    const { root, run, calls } = project();
    const old = "Object.defineProperty(process.versions, 'node', { value: '20.18.3' });";
    writeFileSync(join(root, 'old.cjs'), old);
    const refused = run('--require', './old.cjs');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toBe('Node 20.18.3 is too old: Pumphouse needs 20.19 or newer\n');
    expect(calls()).toEqual([]);
  });
});
