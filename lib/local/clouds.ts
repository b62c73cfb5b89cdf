/** The two clouds of a start: simulated ones, or real ones that are checked before anything runs. */
import { chmodSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PumphouseError } from '../domain/errors.ts';
import type { CloudName } from '../domain/world.ts';
import { openCloud } from '../openstack/cloud.ts';
import { type CloudConfig, loadCloud, readCloudsFile } from '../openstack/clouds-yaml.ts';
import type { DataFolder } from './data-folder.ts';
import type { RealClouds, SimulatorOptions } from './options.ts';
import { StartRefused } from './refusal.ts';
import { startSimulatedClouds } from './simulated-clouds.ts';

export interface StartedClouds {
  /** Path of the `clouds.yaml`. */
  file: string;
  /** Entries of it. */
  source: string;
  destination?: string;
  /** What an operator sees of them. */
  authUrls: Partial<Record<CloudName, string>>;
  /** Where simulated clouds are steered. */
  simulatorUrl?: string;
  /** The process of the simulated clouds. */
  pid?: () => number | undefined;
  stop(): Promise<void>;
}

/** One line of whatever went wrong; the messages of the client name cloud, file and field. */
const refused = (error: unknown): never => {
  if (error instanceof PumphouseError) throw new StartRefused(error.message.split('\n')[0] ?? '');
  throw error;
};

/** Booting in a tenant takes a token scoped to it, which an application credential cannot get. */
const refuseApplicationCredential = ({ auth, entry }: CloudConfig): void => {
  if (auth.kind === 'application-credential')
    throw new StartRefused(
      `cloud "${entry}" has an application credential; the destination needs a password`,
    );
};

/** Gets a token, and forgets it. */
const checkCloud = async (name: CloudName, config: CloudConfig): Promise<void> => {
  await openCloud(config, name).self();
};

const openRealClouds = async (given: RealClouds): Promise<StartedClouds> => {
  const file = readCloudsFile(given.file);
  const source = loadCloud(file, given.source);
  const destination =
    given.destination === undefined ? undefined : loadCloud(file, given.destination);
  if (destination) refuseApplicationCredential(destination);
  await checkCloud('source', source);
  if (destination) await checkCloud('destination', destination);
  return {
    file: resolve(file.origin),
    source: given.source,
    ...(given.destination === undefined ? {} : { destination: given.destination }),
    authUrls: {
      source: source.authUrl,
      ...(destination ? { destination: destination.authUrl } : {}),
    },
    stop: async () => {},
  };
};

/** Writes a file that only its owner reads, whatever mode it had. */
const writePrivate = (file: string, text: string): void => {
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600);
};

const openSimulatedClouds = async (
  folder: DataFolder,
  options: SimulatorOptions,
  report: (line: string) => void,
): Promise<StartedClouds> => {
  const simulator = await startSimulatedClouds({ ...options, data: folder.file('clouds'), report });
  const file = folder.file('clouds.yaml');
  writePrivate(file, simulator.cloudsYaml);
  const authUrl = (name: string) => loadCloud(simulator.cloudsYaml, name).authUrl;
  return {
    file,
    source: 'source',
    destination: 'destination',
    authUrls: { source: authUrl('source'), destination: authUrl('destination') },
    simulatorUrl: simulator.url,
    pid: simulator.pid,
    stop: simulator.stop,
  };
};

/**
 * Brings up simulated clouds, or checks real ones by getting a token of each.
 * @throws StartRefused when a file is missing or wrong, or a cloud refuses
 */
export const openClouds = (
  folder: DataFolder,
  real: RealClouds | undefined,
  simulator: SimulatorOptions,
  report: (line: string) => void,
): Promise<StartedClouds> =>
  real
    ? openRealClouds(real).catch(refused)
    : openSimulatedClouds(folder, simulator, report).catch(refused);
