/** Scheduled, and once at the start: brings in what others did in the clouds. */
import { log } from '../lib/log.ts';
import { worldListings } from '../lib/resources/index.ts';
import { runtime } from '../lib/runtime.ts';
import { synchronisePorts, synchroniseWorld } from '../lib/synchronise.ts';

export const handler = async (): Promise<void> => {
  const ports = await synchronisePorts(runtime());
  const clouds = await synchroniseWorld(ports, worldListings);
  log.info('the world is synchronised', { clouds });
};
