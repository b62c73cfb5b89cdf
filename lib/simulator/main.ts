/** `node lib/simulator/main.ts --data DIR`: the simulated clouds as a process of their own. */
import { parseArgs } from 'node:util';
import { startSimulator } from './simulator.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '0' },
    seed: { type: 'string' },
    tenants: { type: 'string' },
    servers: { type: 'string' },
    'image-mib': { type: 'string' },
    pace: { type: 'string' },
    'with-parent': { type: 'boolean', default: false },
  },
});

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const given = (fields: Record<string, number | undefined>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

if (!values.data) {
  process.stderr.write('--data DIR is needed\n');
  process.exit(1);
}

try {
  const simulator = await startSimulator({
    dataDir: values.data,
    ...given({
      port: number(values.port),
      seed: number(values.seed),
      tenants: number(values.tenants),
      servers: number(values.servers),
      imageMib: number(values['image-mib']),
      pace: number(values.pace),
    }),
  });
  const stop = async () => {
    await simulator.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  if (values['with-parent']) {
    process.once('disconnect', stop);
    if (!process.send) process.stdin.resume().once('end', stop).once('error', stop);
  }
  process.stdout.write(`${JSON.stringify({ ready: true, port: simulator.port })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
