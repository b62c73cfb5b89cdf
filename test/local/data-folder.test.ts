import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataFolder } from '../../lib/local/data-folder.ts';

const newPath = () => join(mkdtempSync(join(tmpdir(), 'pumphouse-data-')), 'data');

describe('a data folder', () => {
  it('is open to its owner alone', () => {
    const path = newPath();
    openDataFolder(path).release();
    chmodSync(path, 0o755);
    openDataFolder(path).release();
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('belongs to one start at a time, which it names, until that is killed', async () => {
    const path = newPath();
    const script = join(import.meta.dirname, 'fixtures/hold-folder.ts');
    const holder = spawn(process.execPath, [script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      expect(() => openDataFolder(path)).toThrow(
        `the data folder ${path} is in use by another start (process ${holder.pid})`,
      );
    } finally {
      holder.kill('SIGKILL');
    }
    await ended;
    openDataFolder(path).release();
  });

  it('is refused to a second start in the same process, too', () => {
    const path = newPath();
    const folder = openDataFolder(path);
    expect(() => openDataFolder(path)).toThrow(/in use/);
    folder.release();
    openDataFolder(path).release();
  });

  it('is refused in one line when it cannot be one', () => {
    const path = newPath();
    openDataFolder(path).release();
    const file = join(path, 'file');
    writeFileSync(file, '');
    expect(() => openDataFolder(file)).toThrow(/cannot be used/);
  });
});
