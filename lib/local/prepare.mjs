/**
 * Runs before `npm start` and `npm test`, under whatever Node the machine has: installs what the lock
 * file says, unless that is what is there. No dependencies, and no TypeScript: there may be nothing
 * yet that could run it. After it, npm scripts find the project's own Node in `node_modules/.bin`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Written last, so that an install that was killed is done again. */
const stamp = join(root, 'node_modules/.pumphouse-installed');

/** Major and minor version of the oldest Node that npm and the tools start under. */
const OLDEST = [20, 19];

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const isTooOld = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
};

/** What should be installed: the lock file, for this kind of machine. */
const wanted = () => {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`;
};

const isInstalled = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted();

/** The npm that runs this script, else the one on the PATH. */
const npm = () => {
  const running = process.env.npm_execpath;
  return running?.endsWith('.js') ? [process.execPath, running] : ['npm'];
};

const install = () => {
  const [command, ...before] = npm();
  const flags = ['--no-audit', '--no-fund', '--include=dev', '--include=optional'];
  const shell = command === 'npm' && process.platform === 'win32';
  const options = { cwd: root, encoding: 'utf8', shell, stdio: ['ignore', 'ignore', 'pipe'] };
  const { status, error, stderr } = spawnSync(command, [...before, 'ci', ...flags], options);
  if (error) fail(`npm cannot be run: ${error.message}`);
  if (status !== 0) fail(`${stderr}npm ci failed: is the package registry reachable?`);
};

if (isTooOld())
  fail(`Node ${process.versions.node} is too old: Pumphouse needs ${OLDEST.join('.')} or newer`);

if (!isInstalled()) {
  process.stdout.write('installing dependencies, once; this takes a minute\n');
  install();
  writeFileSync(stamp, wanted());
}
