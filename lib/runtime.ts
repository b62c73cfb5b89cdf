/**
 * The composition root: the only place that knows every implementation. Handlers and tasks get what
 * they need from here, built once per Lambda and lazily, so that a function pays only for what it uses.
 */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Config, readConfig } from './config.ts';
import type { CloudName } from './domain/world.ts';
import { openStores, type Stores } from './dynamodb/stores.ts';
import { openCloud } from './openstack/cloud.ts';
import { type CloudConfig, loadCloud } from './openstack/clouds-yaml.ts';
import type { Clock, Cloud, Schedules, Workflows } from './ports.ts';
import { openProvisioning, type Provisioning } from './provisioners/index.ts';
import { eventBridgeSchedules } from './schedules.ts';
import { stepFunctions } from './workflows.ts';

export interface Clouds {
  source: Cloud;
  destination?: Cloud;
}

export interface Runtime extends Stores {
  config: Config;
  clock: Clock;
  workflows: Workflows;
  schedules: Schedules;
  clouds(): Promise<Clouds>;
  /** The `clouds.yaml` entries of both clouds. */
  cloudConfigs(): Promise<{ source: CloudConfig; destination?: CloudConfig }>;
  /** How hosts are installed in the destination; nothing where none is configured. */
  provisioning(): Promise<Provisioning | undefined>;
  /** The key that signs the feed's tickets. */
  ticketKey(): Promise<string>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

const readSecret = async (arn: string) => {
  const client = new SecretsManagerClient({});
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return SecretString ?? '';
};

/** Milliseconds after which credentials are read again, so that rotated ones reach what is running. */
const FRESH = 300_000;

/** Makes it when it is first asked for, and again when it has lasted its time or could not be made. */
const once = <T>(make: () => Promise<T>, lasts = Number.POSITIVE_INFINITY): (() => Promise<T>) => {
  let made: { value: Promise<T>; until: number } | undefined;
  return () => {
    const now = systemClock.now().getTime();
    if (made && now < made.until) return made.value;
    const value = make().catch((error) => {
      made = undefined;
      throw error;
    });
    made = { value, until: now + lasts };
    return value;
  };
};

/** Builds a runtime from an environment; nothing is connected before it is used. */
export const openRuntime = (env: Readonly<Record<string, string | undefined>>): Runtime => {
  const config = readConfig(env);
  const cloudConfigs = once(async () => {
    const where = config.clouds;
    const file = 'file' in where ? where.file : await readSecret(where.secret);
    const source = loadCloud(file, config.source);
    return config.destination
      ? { source, destination: loadCloud(file, config.destination) }
      : { source };
  }, FRESH);
  const clouds = once(async () => {
    const { source, destination } = await cloudConfigs();
    const open = (cloud: CloudConfig, name: CloudName) => openCloud(cloud, name);
    return {
      source: open(source, 'source'),
      ...(destination && { destination: open(destination, 'destination') }),
    };
  }, FRESH);
  const provisioning = once(async () => {
    const { destination } = await cloudConfigs();
    return config.provisioner && destination
      ? openProvisioning(config.provisioner, destination.pumphouse)
      : undefined;
  });
  const ticketKey = once(async () =>
    'key' in config.ticketKey ? config.ticketKey.key : readSecret(config.ticketKey.secret),
  );
  return {
    config,
    clock: systemClock,
    ...openStores(config.tableName, systemClock, config.keepDays),
    workflows: stepFunctions(config.machines),
    schedules: eventBridgeSchedules(config.schedules),
    clouds,
    cloudConfigs,
    provisioning,
    ticketKey,
  };
};

let current: Runtime | undefined;

/** The runtime of this process, from `process.env`. */
export const runtime = (): Runtime => {
  current ??= openRuntime(process.env);
  return current;
};

/** Forgets the runtime, so that the next call reads the environment again: the embedded run starts anew. */
export const closeRuntime = () => {
  current = undefined;
};
