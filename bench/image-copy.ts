/**
 * Copies one image between two real clouds, by our relay and by `curl | curl`, in turns, and prints
 * both rates and their ratio.
 *
 *     node bench/image-copy.ts --clouds FILE --source NAME --destination NAME [--mib 1024] [--rounds 3]
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { openCloud } from '../lib/openstack/cloud.ts';
import { loadCloud } from '../lib/openstack/clouds-yaml.ts';
import { relay } from '../lib/openstack/relay.ts';
import type { Cloud } from '../lib/ports.ts';

const { values } = parseArgs({
  options: {
    clouds: { type: 'string' },
    source: { type: 'string', default: 'source' },
    destination: { type: 'string', default: 'destination' },
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    /** Set in the process that is measured: the two images. */
    relay: { type: 'string', multiple: true },
  },
});
const MIB = 1024 * 1024;
const source = openCloud(loadCloud(values.clouds, values.source), 'source');
const destination = openCloud(loadCloud(values.clouds, values.destination), 'destination');

const record = async (cloud: Cloud): Promise<string> => {
  const body = {
    name: `pumphouse-bench-${process.pid}`,
    disk_format: 'raw',
    container_format: 'bare',
  };
  return (await cloud.post<{ id: string }>('image', '/v2/images', body)).id;
};

const remove = (cloud: Cloud, id: string) => cloud.delete('image', `/v2/images/${id}`);

function* randomBlocks(mib: number): Generator<Buffer> {
  const block = randomBytes(MIB);
  for (let number = 0; number < mib; number += 1) {
    block.writeUInt32LE(number);
    yield Buffer.from(block);
  }
}

/** The measured process: connects, then copies against the clock. */
const relayHere = async (from: string, to: string): Promise<void> => {
  await Promise.all([source.self(), destination.self()]);
  const begun = performance.now();
  const { bytes } = await relay(source, destination, {
    sourceImageId: from,
    destinationImageId: to,
  });
  const seconds = (performance.now() - begun) / 1000;
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cpu = (userCPUTime + systemCPUTime) / 1e6;
  console.log(JSON.stringify({ seconds, bytes, rss: maxRSS / 1024, cpu }));
};

const run = async (command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> => {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const out = await text(child.stdout);
  const [code] = await exit;
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return out;
};

const byRelay = async (
  from: string,
  to: string,
): Promise<{ seconds: number; rss: number; cpu: number }> => {
  const options = (['clouds', 'source', 'destination'] as const).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, values[name]],
  );
  const args = [import.meta.filename, ...options, '--relay', from, '--relay', to];
  return JSON.parse(await run(process.execPath, args, process.env));
};

/** A token and the URL of the images, got by listening to our own client's requests. */
const access = async (entry: string): Promise<{ token: string; url: string }> => {
  const { Agent } = await import('undici');
  const seen = { token: '', url: '' };
  const agent = new Agent().compose((dispatch) => (options, handler) => {
    const headers = options.headers as Record<string, string>;
    seen.token = headers['x-auth-token'] ?? '';
    seen.url = `${options.origin}${options.path}`;
    return dispatch(options, handler);
  });
  const cloud = openCloud(loadCloud(values.clouds, entry), 'source', { agent });
  await cloud.get('image', '/v2/images');
  return seen;
};

/** Tokens go through the environment: they are in no process list. */
const byCurl = async (
  from: string,
  to: string,
  [out, into]: Awaited<ReturnType<typeof access>>[],
): Promise<number> => {
  const script = `set -o pipefail
    curl -sSf -H @<(echo "X-Auth-Token: $OUT_TOKEN") "$OUT_URL/${from}/file" |
    curl -sSf -H @<(echo "X-Auth-Token: $INTO_TOKEN") -H 'Content-Type: application/octet-stream' \
      -X PUT -T - "$INTO_URL/${to}/file"`;
  const env = {
    ...process.env,
    OUT_TOKEN: out?.token,
    OUT_URL: out?.url,
    INTO_TOKEN: into?.token,
    INTO_URL: into?.url,
  };
  const begun = performance.now();
  await run('bash', ['-c', script], env);
  return (performance.now() - begun) / 1000;
};

const median = (numbers: number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const measure = async (mib: number, rounds: number): Promise<void> => {
  const tokens = await Promise.all([access(values.source), access(values.destination)]);
  const image = await record(source);
  const relayed: number[] = [];
  const curled: number[] = [];
  let peak = 0;
  try {
    const body = Readable.from(randomBlocks(mib), { objectMode: false });
    await source.upload('image', `/v2/images/${image}/file`, { body, size: mib * MIB });
    for (let round = 1; round <= rounds; round += 1) {
      const targets = [await record(destination), await record(destination)] as const;
      try {
        const ours = await byRelay(image, targets[0]);
        const curl = await byCurl(image, targets[1], tokens);
        relayed.push(mib / ours.seconds);
        curled.push(mib / curl);
        peak = Math.max(peak, ours.rss);
        console.log(
          `round ${round}: relay ${(mib / ours.seconds).toFixed(0)} MiB/s (${ours.cpu.toFixed(2)} s of CPU, peak ${ours.rss.toFixed(0)} MiB), curl | curl ${(mib / curl).toFixed(0)} MiB/s`,
        );
      } finally {
        for (const target of targets) await remove(destination, target);
      }
    }
  } finally {
    await remove(source, image);
  }
  const ratios = relayed.map((rate, round) => rate / (curled[round] ?? Number.NaN));
  console.log(
    `relay ${median(relayed).toFixed(0)} MiB/s, curl | curl ${median(curled).toFixed(0)} MiB/s, ratio ${median(ratios).toFixed(2)} (median of ${rounds}), peak memory ${peak.toFixed(0)} MiB`,
  );
};

const [from, to] = values.relay ?? [];
if (from !== undefined && to !== undefined) await relayHere(from, to);
else await measure(Number(values.mib), Number(values.rounds));
