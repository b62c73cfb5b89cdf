import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../../../lib/simulator/simulator.ts';
import { type Clouds, cloudsIn, openClouds } from './carrying.ts';

/** The simulated clouds; or real ones, where the environment names their `clouds.yaml`. */
export const openTwoClouds = async (): Promise<{ clouds: Clouds; close: () => Promise<void> }> => {
  const real = process.env.PUMPHOUSE_TEST_CLOUDS;
  if (real) return { clouds: await openClouds(real), close: async () => {} };
  const dataDir = await mkdtemp(join(tmpdir(), 'pumphouse-network-'));
  const simulator = await startSimulator({ dataDir, pace: 0, tenants: 2, servers: 4 });
  const close = async () => {
    await simulator.close();
    await rm(dataDir, { recursive: true });
  };
  return { clouds: cloudsIn(simulator.cloudsYaml()), close };
};
