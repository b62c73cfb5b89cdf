/**
 * The half of the composition root that knows the table and the keys, and no cloud: queries and the
 * feed are bundled from it alone, without an HTTP client, a YAML parser or a state machine's SDK.
 */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Config, readConfig } from './config.ts';
import { openStores, type Stores } from './dynamodb/stores.ts';
import type { Clock } from './ports.ts';

export interface TableRuntime extends Stores {
  config: Config;
  clock: Clock;
  /** The key that signs the feed's tickets. */
  ticketKey(): Promise<string>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

export const readSecret = async (arn: string): Promise<string> => {
  const client = new SecretsManagerClient({});
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return SecretString ?? '';
};

/**
 * Makes it when it is first asked for, and again when it has lasted its time or could not be made.
 * @param lasts milliseconds
 */
export const once = <T>(
  make: () => Promise<T>,
  lasts = Number.POSITIVE_INFINITY,
): (() => Promise<T>) => {
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

/** Builds it from an environment; nothing is connected before it is used. */
export const openTableRuntime = (
  env: Readonly<Record<string, string | undefined>>,
): TableRuntime => {
  const config = readConfig(env);
  return {
    config,
    clock: systemClock,
    ...openStores(config.tableName, systemClock, config.keepDays),
    ticketKey: once(async () =>
      'key' in config.ticketKey ? config.ticketKey.key : readSecret(config.ticketKey.secret),
    ),
  };
};

let current: TableRuntime | undefined;

/** That of this process, from `process.env`. */
export const tableRuntime = (): TableRuntime => {
  current ??= openTableRuntime(process.env);
  return current;
};

/** Forgets it, so that the next call reads the environment again. */
export const closeTableRuntime = () => {
  current = undefined;
};
