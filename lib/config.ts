/** What the environment says, read once and checked by name; nothing else reads `process.env`. */
import { PumphouseError } from './domain/errors.ts';
import {
  type Finalize,
  PROVISIONERS,
  type ProvisionerName,
  type Quiesce,
} from './domain/operation.ts';
import { checkedPrefix } from './domain/reset.ts';

export interface Config {
  tableName: string;
  /** Days that an ended stream can be replayed. */
  keepDays: number;
  /** Where `clouds.yaml` is: a secret's ARN on AWS, a file on one machine. */
  clouds: { secret: string } | { file: string };
  source: string;
  /** Absent when there is no destination: everything can be looked at, nothing migrated. */
  destination?: string;
  machines: { migration: string; evacuation: string; reassignment: string; reset: string };
  /** What EventBridge Scheduler is told; only who makes and removes schedules needs it. */
  schedules?: ScheduleTarget;
  /** Where the streaming Lambda URL answers; only who hands out tickets to it needs to know. */
  feedUrl?: string;
  /** Signs the tickets to the feed: a secret's ARN on AWS, the key itself on one machine. */
  ticketKey: { secret: string } | { key: string };
  finalize: Finalize;
  quiesce: Quiesce;
  /** What installs a host that changes its cloud; absent where hosts stay. */
  provisioner?: ProvisionerName;
  /** Whether `POST /reset` is there: with a prefix, or on simulated clouds. */
  resetEnabled: boolean;
  /** What a reset may touch bears it; absent where simulated clouds are restored whole. */
  resetPrefix?: string;
  /** YAML of the workload that a reset populates the source with. */
  workload?: string;
  /** The control URL of the simulated clouds; absent with real ones. */
  simulatorUrl?: string;
  /** MiB per second that the relay is trusted with, and the seconds one copy may take. */
  relay: { rate: number; seconds: number };
  /** Seconds that one connection to the feed lasts at most. */
  feedSeconds: number;
  /** Seconds that a task watches by itself before it lets the state machine wait. */
  watchSeconds: number;
}

/** Where schedules are kept, and what they call. */
export interface ScheduleTarget {
  group: string;
  /** ARN of the function that is called at each due time. */
  function: string;
  /** ARN of the role in which the scheduler calls it. */
  role: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const invalid = (message: string) => new PumphouseError('InvalidRequest', message);

const choice = <T extends string>(
  env: Environment,
  name: string,
  values: readonly [T, ...T[]],
): T => {
  const value = env[name] || values[0];
  const known = values.find((one) => one === value);
  if (known) return known;
  throw invalid(`${name} is ${value}; it takes ${values.join(', ')}`);
};

const positive = (env: Environment, name: string, otherwise: number) => {
  const value = Number(env[name] || otherwise);
  if (Number.isFinite(value) && value > 0) return value;
  throw invalid(`${name} is ${env[name]}; it takes a number above 0`);
};

const scheduleTarget = (group: string, required: (name: string) => string): ScheduleTarget => ({
  group,
  function: required('SCHEDULE_FUNCTION'),
  role: required('SCHEDULE_ROLE'),
});

/** @throws InvalidRequest naming the variable that is missing or wrong */
export const readConfig = (env: Environment): Config => {
  const required = (name: string) => {
    const value = env[name];
    if (value) return value;
    throw invalid(`The environment variable ${name} is missing`);
  };
  return {
    tableName: required('TABLE_NAME'),
    keepDays: positive(env, 'KEEP_DAYS', 30),
    clouds: env.CLOUDS_FILE ? { file: env.CLOUDS_FILE } : { secret: required('CLOUDS_SECRET') },
    source: required('SOURCE_CLOUD'),
    ...(env.DESTINATION_CLOUD && { destination: env.DESTINATION_CLOUD }),
    machines: {
      migration: required('MIGRATE_TENANT_MACHINE'),
      evacuation: required('EVACUATE_HOST_MACHINE'),
      reassignment: required('REASSIGN_HOST_MACHINE'),
      reset: env.RESET_CLOUDS_MACHINE ?? '',
    },
    ...(env.SCHEDULE_GROUP && { schedules: scheduleTarget(env.SCHEDULE_GROUP, required) }),
    ...(env.FEED_URL && { feedUrl: env.FEED_URL }),
    ticketKey: env.TICKET_KEY ? { key: env.TICKET_KEY } : { secret: required('TICKET_SECRET') },
    finalize: choice(env, 'FINALIZE', ['auto', 'manual']),
    quiesce: choice(env, 'QUIESCE', ['suspend', 'stop', 'none']),
    ...(env.PROVISIONER && { provisioner: choice(env, 'PROVISIONER', PROVISIONERS) }),
    resetEnabled: env.RESET_ENABLED === 'true' && Boolean(env.RESET_PREFIX || env.SIMULATOR_URL),
    ...(env.RESET_PREFIX && { resetPrefix: checkedPrefix(env.RESET_PREFIX, 'RESET_PREFIX') }),
    ...(env.WORKLOAD && { workload: env.WORKLOAD }),
    ...(env.SIMULATOR_URL && { simulatorUrl: env.SIMULATOR_URL }),
    relay: { rate: positive(env, 'RELAY_RATE', 50), seconds: positive(env, 'RELAY_SECONDS', 840) },
    feedSeconds: positive(env, 'FEED_SECONDS', 300),
    watchSeconds: positive(env, 'WATCH_SECONDS', 15),
  };
};
