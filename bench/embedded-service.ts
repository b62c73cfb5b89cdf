/** What the benchmarks of the service share: one embedded run of their own, and how figures are told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, type ServiceOptions, startService } from '../lib/local/service.ts';

/** Starts the service in a folder of its own, hands it over, and takes everything away again. */
export const withService = async (
  options: Partial<ServiceOptions>,
  measure: (service: Service) => Promise<void>,
): Promise<void> => {
  process.env.POWERTOOLS_LOG_LEVEL ??= 'SILENT';
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-bench-'));
  const service = await startService({
    ...{ port: 0, data: join(folder, 'data'), finalize: 'auto', quiesce: 'suspend', reset: false },
    simulator: { pace: 0, imageMiB: 1 },
    ...options,
  });
  try {
    await service.listed;
    await measure(service);
  } finally {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Milliseconds that some work takes. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};
