/** The options of `npm start`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { prefixFault } from '../domain/reset.ts';
import { readWorkload } from '../reset/workload.ts';
import { StartRefused } from './refusal.ts';

export interface RealClouds {
  /** Path of a `clouds.yaml`; without it the usual places are searched. */
  file?: string;
  /** Entries of that file. */
  source: string;
  destination?: string;
}

export interface SimulatorOptions {
  seed?: number;
  tenants?: number;
  servers?: number;
  /** MiB. */
  imageMiB?: number;
  /** How long the simulated clouds take, 1 as real ones do, 0 for no time at all. */
  pace?: number;
}

export interface StartOptions {
  /** 0 for a free one. */
  port: number;
  /** The data folder. */
  data: string;
  /** Real clouds; without them two are simulated. */
  clouds?: RealClouds;
  simulator: SimulatorOptions;
  finalize: 'auto' | 'manual';
  quiesce: 'suspend' | 'stop' | 'none';
  reset: boolean;
  /** What a reset deletes bears it; simulated clouds are restored whole without one. */
  resetPrefix?: string;
  /** YAML of what a reset populates the source with. */
  workload?: string;
  /** What installs reassigned hosts; the simulated destination has Ironic. */
  provisioner?: 'ironic' | 'fuel' | 'manual';
  /** MiB per second; the service file's own rate when absent. */
  relayRate?: number;
}

export const HELP = `Starts Pumphouse on this machine: API, event feed, state machines, database, and two
simulated OpenStack clouds unless real ones are named.

  npm start -- [options]

  --port N              port of the API and the feed, 0 for a free one (8080)
  --data DIR            folder that keeps everything between two starts (.pumphouse)

Real clouds, in the standard clouds.yaml form:
  --source NAME         entry of the cloud that is moved from
  --destination NAME    entry of the cloud that is moved to; needs a password
  --clouds FILE         the file; without it OS_CLIENT_CONFIG_FILE, ./clouds.yaml,
                        ~/.config/openstack and /etc/openstack are searched

Migrations:
  --finalize HOW        auto deletes each server on the source once its copy is proven,
                        manual keeps it until it is finalized (auto)
  --quiesce HOW         suspend, stop or none: what is done to a running server before its
                        disk is copied (suspend)
  --relay-rate N        MiB per second that one copy is expected to move

Rehearsals:
  --reset               allow POST /reset; it restores simulated clouds as they were made,
                        and with a prefix clears and populates clouds of either kind
  --reset-prefix NAME   what POST /reset deletes in both clouds: what is named so, and what
                        belongs to projects named so; real clouds need one
  --workload FILE       YAML of what POST /reset then makes in the source

Hosts:
  --provisioner NAME    ironic, fuel or manual: what installs a host that is reassigned, as
                        clouds.yaml says under pumphouse: (ironic on simulated clouds)

Simulated clouds, when they are made for the first time:
  --seed N              another workload for another number (1)
  --tenants N           how many tenants
  --servers N           how many servers
  --image-mib N         MiB of each image's bytes
  --pace N              how slow they are: 1 as real clouds, 0 answers at once

  --help                this text
`;

const OPTIONS = {
  port: { type: 'string' },
  data: { type: 'string' },
  clouds: { type: 'string' },
  source: { type: 'string' },
  destination: { type: 'string' },
  finalize: { type: 'string' },
  quiesce: { type: 'string' },
  'relay-rate': { type: 'string' },
  provisioner: { type: 'string' },
  reset: { type: 'boolean' },
  'reset-prefix': { type: 'string' },
  workload: { type: 'string' },
  seed: { type: 'string' },
  tenants: { type: 'string' },
  servers: { type: 'string' },
  'image-mib': { type: 'string' },
  pace: { type: 'string' },
  help: { type: 'boolean' },
} as const;

type Values = Partial<Record<keyof typeof OPTIONS, string | boolean>>;

const readValues = (given: string[]): Values => {
  try {
    return parseArgs({ args: given, options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ');
    throw new StartRefused(`${sentence}; npm start -- --help lists the options`);
  }
};

type Name = keyof typeof OPTIONS;

const text = (values: Values, name: Name): string | undefined => {
  const value = values[name];
  if (value === '') throw new StartRefused(`--${name} has no value`);
  return typeof value === 'string' ? value : undefined;
};

const number = (values: Values, name: Name, low: number, high: number, whole = true) => {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  const right = Number.isFinite(value) && value >= low && value <= high;
  if (right && (!whole || Number.isInteger(value))) return value;
  const kind = whole ? 'a whole number' : 'a number';
  throw new StartRefused(`--${name} is ${given}; it takes ${kind} from ${low} to ${high}`);
};

const choice = <T extends string>(values: Values, name: Name, choices: [T, ...T[]]): T => {
  const given = text(values, name) ?? choices[0];
  const found = choices.find((one) => one === given);
  if (found) return found;
  throw new StartRefused(`--${name} is ${given}; it takes ${choices.join(', ')}`);
};

/** Drops what is absent. */
const present = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const realClouds = (values: Values): RealClouds | undefined => {
  const source = text(values, 'source');
  for (const name of ['clouds', 'destination'] as const)
    if (values[name] !== undefined && source === undefined)
      throw new StartRefused(`--${name} needs --source, the name of the cloud to move from`);
  if (source === undefined) return undefined;
  const destination = text(values, 'destination');
  if (destination === source)
    throw new StartRefused('--source and --destination name the same cloud');
  const file = text(values, 'clouds');
  return present<RealClouds>({ source, destination, file } as RealClouds);
};

const readFile = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartRefused(`--workload: ${(error as Error).message}`);
  }
};

const workloadIn = (file: string): string => {
  const text = readFile(file);
  try {
    readWorkload(text);
    return text;
  } catch (error) {
    throw new StartRefused(`--workload ${file}: ${(error as Error).message}`);
  }
};

const resetOptions = (values: Values, real: boolean) => {
  const [prefix, file] = [text(values, 'reset-prefix'), text(values, 'workload')];
  const reset = values.reset === true;
  if (prefix !== undefined && !reset) throw new StartRefused('--reset-prefix needs --reset');
  if (file !== undefined && prefix === undefined)
    throw new StartRefused('--workload needs --reset and --reset-prefix');
  if (reset && real && prefix === undefined)
    throw new StartRefused(
      '--reset on real clouds needs --reset-prefix: it deletes what is named so',
    );
  const fault = prefix === undefined ? undefined : prefixFault(prefix);
  if (fault) throw new StartRefused(`--reset-prefix is ${prefix}; it ${fault}`);
  const workload = file === undefined ? undefined : workloadIn(file);
  return { reset, ...present({ resetPrefix: prefix, workload }) };
};

const SIMULATED = ['seed', 'tenants', 'servers', 'image-mib', 'pace'] as const;

const simulatorOptions = (values: Values, real: boolean): SimulatorOptions => {
  for (const name of SIMULATED)
    if (real && values[name] !== undefined)
      throw new StartRefused(`--${name} is for simulated clouds, and --source names a real one`);
  return present<SimulatorOptions>({
    seed: number(values, 'seed', 0, 2 ** 31),
    tenants: number(values, 'tenants', 1, 1000),
    servers: number(values, 'servers', 0, 100_000),
    imageMiB: number(values, 'image-mib', 1, 100_000),
    pace: number(values, 'pace', 0, 1000, false),
  });
};

/**
 * Reads the command line.
 * @returns `'help'` when that is asked for
 * @throws StartRefused, one line naming the option
 */
export const readOptions = (given: string[]): StartOptions | 'help' => {
  const values = readValues(given);
  if (values.help) return 'help';
  const clouds = realClouds(values);
  return {
    port: number(values, 'port', 0, 65_535) ?? 8080,
    data: text(values, 'data') ?? '.pumphouse',
    finalize: choice(values, 'finalize', ['auto', 'manual']),
    quiesce: choice(values, 'quiesce', ['suspend', 'stop', 'none']),
    ...resetOptions(values, clouds !== undefined),
    simulator: simulatorOptions(values, clouds !== undefined),
    ...(values.provisioner !== undefined && {
      provisioner: choice(values, 'provisioner', ['ironic', 'fuel', 'manual']),
    }),
    ...present({ clouds, relayRate: number(values, 'relay-rate', 1, 100_000, false) }),
  } as StartOptions;
};
