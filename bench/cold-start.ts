/**
 * What a cold Lambda spends before its handler can be called: each packaged bundle is loaded in a fresh
 * process of this Node, five times; the median of the load alone, without Node's own start. With zip sizes,
 * and how much of each bundle is not the AWS SDK.
 * Run after `npm run package`: node bench/cold-start.ts [folder of the package]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { median } from './embedded-service.ts';
import { unzip } from './zip.ts';

const FOLDER = process.argv[2] ?? '.serverless';
const ROUNDS = 5;

const PROGRAM = `
globalThis.awslambda = { streamifyResponse: (handler) => handler };
const begun = performance.now();
require(process.argv[1]);
console.log(performance.now() - begun);
process.exit();
`;

const load = async (file: string): Promise<number> => {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM, file]);
  return Number(stdout);
};

/** Bytes of the function's bundle, zipped, when the SDK is left to the runtime. */
const withoutSdk = async (path: string): Promise<number> => {
  const { outputFiles } = await build({
    ...{ entryPoints: [path.replace(/\.js$/, '.ts')], bundle: true, minify: true, write: false },
    ...{ platform: 'node', target: 'node24', format: 'cjs', mainFields: ['module', 'main'] },
    ...{ legalComments: 'none', external: ['@aws-sdk/*', '@smithy/*'] },
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
};

const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`.padStart(8);

const work = await mkdtemp(join(tmpdir(), 'pumphouse-cold-'));
const zips = (await readdir(FOLDER)).filter((name) => name.endsWith('.zip')).sort();
const loads: number[] = [];
console.log(`${process.version}\n${'function'.padEnd(22)}      zip  without SDK    load`);
for (const name of zips) {
  const zip = await readFile(join(FOLDER, name));
  const [[path, code] = []] = unzip(zip);
  if (!path || !code) throw new Error(`${name} is empty`);
  const file = join(work, `${basename(name, '.zip')}.cjs`);
  await writeFile(file, code);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await load(file));
  loads.push(median(rounds));
  const figures = [kib(zip.length), kib(await withoutSdk(path)).padStart(12)];
  console.log(
    `${basename(name, '.zip').padEnd(22)} ${figures.join(' ')} ${median(rounds).toFixed(0).padStart(5)} ms`,
  );
}
console.log(`${zips.length} functions, median load ${median(loads).toFixed(0)} ms`);
await rm(work, { recursive: true });
