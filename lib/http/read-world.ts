import type { Config } from '../config.ts';
import type { OperationStore, WorldStore } from '../ports.ts';
import type { WorldReading } from './resources.ts';

/** Reads all that `GET /resources` shows, everything in parallel. */
export const readWorld = async ({
  config,
  world,
  operations,
}: {
  config: Pick<Config, 'resetEnabled' | 'destination'>;
  world: Pick<WorldStore, 'read'>;
  operations: Pick<OperationStore, 'running'>;
}): Promise<WorldReading> => {
  const [{ items, clouds }, running] = await Promise.all([world.read(), operations.running()]);
  return {
    items,
    clouds,
    running: running.map(({ id }) => id),
    resetEnabled: config.resetEnabled,
    hasDestination: config.destination !== undefined,
  };
};
