/**
 * The composition root: the only place that knows every implementation. Handlers and tasks get what
 * they need from here, built once per Lambda; what speaks to clouds is loaded when it is first used.
 * Handlers that never call a cloud take `table-runtime.ts` instead.
 */
import type { CloudName } from './domain/world.ts';
import type { CloudConfig } from './openstack/clouds-yaml.ts';
import type { Cloud, Schedules, Workflows } from './ports.ts';
import type { Provisioning } from './provisioners/index.ts';
import { eventBridgeSchedules } from './schedules.ts';
import {
  closeTableRuntime,
  once,
  openTableRuntime,
  readSecret,
  type TableRuntime,
} from './table-runtime.ts';
import { stepFunctions } from './workflows.ts';

export { systemClock } from './table-runtime.ts';

export interface Clouds {
  source: Cloud;
  destination?: Cloud;
}

export interface Runtime extends TableRuntime {
  workflows: Workflows;
  schedules: Schedules;
  clouds(): Promise<Clouds>;
  /** The `clouds.yaml` entries of both clouds. */
  cloudConfigs(): Promise<{ source: CloudConfig; destination?: CloudConfig }>;
  /** How hosts are installed in the destination; nothing where none is configured. */
  provisioning(): Promise<Provisioning | undefined>;
}

/** Milliseconds after which credentials are read again, so that rotated ones reach what is running. */
const FRESH = 300_000;

/** Builds a runtime from an environment; nothing is connected before it is used. */
export const openRuntime = (env: Readonly<Record<string, string | undefined>>): Runtime => {
  const inside = openTableRuntime(env);
  const { config } = inside;
  const cloudConfigs = once(async () => {
    const { loadCloud } = await import('./openstack/clouds-yaml.ts');
    const where = config.clouds;
    const file = 'file' in where ? where.file : await readSecret(where.secret);
    const source = loadCloud(file, config.source);
    return config.destination
      ? { source, destination: loadCloud(file, config.destination) }
      : { source };
  }, FRESH);
  const clouds = once(async () => {
    const { source, destination } = await cloudConfigs();
    const { openCloud } = await import('./openstack/cloud.ts');
    const open = (cloud: CloudConfig, name: CloudName) => openCloud(cloud, name);
    return {
      source: open(source, 'source'),
      ...(destination && { destination: open(destination, 'destination') }),
    };
  }, FRESH);
  const provisioning = once(async () => {
    if (!config.provisioner) return undefined;
    const { destination } = await cloudConfigs();
    if (!destination) return undefined;
    const { openProvisioning } = await import('./provisioners/index.ts');
    return openProvisioning(config.provisioner, destination.pumphouse);
  }, FRESH);
  return {
    ...inside,
    workflows: stepFunctions(config.machines),
    schedules: eventBridgeSchedules(config.schedules),
    clouds,
    cloudConfigs,
    provisioning,
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
  closeTableRuntime();
};
