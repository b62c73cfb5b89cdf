/** Brings simulated clouds back to what they were seeded with, and the world after them. */
import { PumphouseError } from '../domain/errors.ts';
import { worldListings } from '../resources/index.ts';
import type { Runtime } from '../runtime.ts';
import { type SynchronisePorts, synchronisePorts, synchroniseWorld } from '../synchronise.ts';
import { getCloudItem, type Reset } from './reset.ts';

/** Milliseconds in which the simulator has to be done. */
const RESET_MILLISECONDS = 60_000;

const restoreSimulator = async (simulatorUrl: string) => {
  const url = `${simulatorUrl.replace(/\/$/, '')}/_simulator/reset`;
  const signal = AbortSignal.timeout(RESET_MILLISECONDS);
  const answer = await fetch(url, { method: 'POST', signal }).catch((cause: unknown) => {
    throw new PumphouseError('CloudUnavailable', 'The simulated clouds do not answer', { cause });
  });
  if (answer.ok) return;
  const said = `The simulated clouds answered ${answer.status} to the reset`;
  throw new PumphouseError('CloudUnavailable', said);
};

/** Takes what operations have said of it off an object; a listing brings it back without, if it is there. */
const forget = async ({ world }: SynchronisePorts) => {
  const { items } = await world.read();
  for (const item of items.filter(({ status }) => status)) {
    await world.miss(item);
    const marked = await world.get(item);
    if (marked?.missed) await world.miss(marked);
  }
};

/** Twice, since only the second listing removes what the first one misses. */
const synchronise = async (runtime: Runtime) => {
  const ports = await synchronisePorts(runtime);
  await forget(ports);
  await synchroniseWorld(ports, worldListings);
  const reports = await synchroniseWorld(ports, worldListings);
  const error = reports.find((report) => report.error)?.error;
  if (error) throw new PumphouseError('CloudUnavailable', error);
};

/**
 * Restores the seeded workload of both clouds. The world stands before `reset completed` is told: who
 * reads it then reads the new one. Safe to repeat: a repeat restores once more.
 */
export const restoreClouds = async (runtime: Runtime, { id, input, ended }: Reset) => {
  const { simulatorUrl } = runtime.config;
  if (ended) return;
  if (input.prefix !== undefined || !simulatorUrl)
    throw new PumphouseError('ResourceNotFound', 'Only simulated clouds can be restored');
  await restoreSimulator(simulatorUrl);
  await synchronise(runtime);
  for (const cloud of input.clouds)
    await runtime.plans.update(await getCloudItem(runtime, id, cloud), { state: 'ready' });
};
