/**
 * Brings into the world what others did in the clouds: each type of each cloud is listed and compared
 * with what was remembered before the listing began. Writes only what it observed and what differs;
 * every write is conditional on the version it read, so two runs at once cannot harm each other, and
 * what an operation does meanwhile wins (ADR 0004).
 */
import { CLOUD_NAMES, type CloudName, type CloudState } from './domain/world.ts';
import { errorFields, log } from './log.ts';
import type { CloudConfig } from './openstack/cloud-config.ts';
import type { Clock, Cloud, Observation, OperationStore, WorldStore } from './ports.ts';
import type { WorldListing } from './resources/resource-type.ts';
import type { Clouds, Runtime } from './runtime.ts';
import { atMost } from './synchronise/at-most.ts';
import { type Correction, differences } from './synchronise/differences.ts';

/** Listings of one cloud at a time; each pages on its own. */
const LISTINGS_AT_ONCE = 4;
const WRITES_AT_ONCE = 16;

export interface SynchronisePorts {
  clouds: Clouds;
  world: WorldStore;
  operations: Pick<OperationStore, 'running'>;
  clock: Clock;
  /** Where people find each cloud's own consoles. */
  urls: Partial<Record<CloudName, Record<string, string>>>;
}

/** What one run found in one cloud. */
export interface CloudReport {
  cloud: CloudName;
  listed: number;
  corrected: number;
  /** Why it, or a part of it, could not be listed. */
  error?: string;
}

type Listing = WorldListing<unknown>;

const listType = async (cloud: Cloud, listing: Listing): Promise<Observation[]> => {
  const observations: Observation[] = [];
  for await (const body of listing.list(cloud)) {
    const observed = listing.observed?.(body);
    observations.push({
      cloud: cloud.name,
      type: listing.type,
      id: listing.id(body),
      view: listing.view(body),
      ...(observed && { observed }),
    });
  }
  return observations;
};

const correct = (world: WorldStore, correction: Correction) =>
  correction.kind === 'miss'
    ? world.miss(correction.seen)
    : world.observe(correction.observation, correction.seen);

/** The operations that ran at any time while `during` did: they are read before and after. */
const runningDuring = async <T>({ operations }: SynchronisePorts, during: () => Promise<T>) => {
  const before = await operations.running();
  const result = await during();
  const after = await operations.running();
  return { result, running: new Set([...before, ...after].map(({ id }) => id)) };
};

/** Lists one type and corrects it; one that cannot be listed keeps its items and leaves its reason. */
const synchroniseType = async (
  ports: SynchronisePorts,
  cloud: Cloud,
  listing: Listing,
  report: CloudReport,
) => {
  const remembered = await ports.world.remembered(cloud.name, listing.type);
  const { result, running } = await runningDuring(ports, () =>
    listType(cloud, listing).catch((error: unknown) => fail(report, error)),
  );
  if (!result) return;
  const corrections = differences(result, remembered, running);
  await atMost(WRITES_AT_ONCE, corrections, (one) => correct(ports.world, one));
  report.listed += result.length;
  report.corrected += corrections.length;
};

const fail = (report: CloudReport, error: unknown): undefined => {
  log.error(`the ${report.cloud} cloud cannot be listed`, errorFields(error));
  report.error ??= error instanceof Error ? error.message : String(error);
};

/** Lists one cloud, if it lets us in. */
const synchroniseCloud = async (
  ports: SynchronisePorts,
  cloud: Cloud,
  listings: readonly Listing[],
): Promise<CloudReport> => {
  const report: CloudReport = { cloud: cloud.name, listed: 0, corrected: 0 };
  const self = await cloud.self().catch((error: unknown) => fail(report, error));
  if (!self) return report;
  await atMost(LISTINGS_AT_ONCE, listings, (one) => synchroniseType(ports, cloud, one, report));
  return report;
};

/** The state to show; one that could not be listed keeps the time when it last was. */
const stateOf = async (
  { world, clock, urls }: SynchronisePorts,
  { cloud, error }: CloudReport,
): Promise<CloudState> => {
  const state = { cloud, urls: urls[cloud] ?? {} };
  if (error === undefined) return { ...state, listedAt: clock.now().toISOString() };
  const { clouds } = await world.read();
  const listedAt = clouds.find((one) => one.cloud === cloud)?.listedAt;
  return { ...state, error, ...(listedAt && { listedAt }) };
};

/**
 * Lists both clouds, in parallel, and corrects the world.
 *
 * Idempotent. An item that a listing misses is marked, and removed when the next one misses it too.
 * A cloud that cannot be listed is shown with the reason and what was last known of it, never as empty.
 */
export const synchroniseWorld = async (
  ports: SynchronisePorts,
  listings: readonly Listing[],
): Promise<CloudReport[]> => {
  const clouds = CLOUD_NAMES.flatMap((name) => ports.clouds[name] ?? []);
  return Promise.all(
    clouds.map(async (cloud) => {
      const report = await synchroniseCloud(ports, cloud, listings);
      await ports.world.putCloud(await stateOf(ports, report));
      return report;
    }),
  );
};

/** The consoles named in `clouds.yaml` (`urls:`), else Keystone's own address. */
const urlsOf = ({ urls, authUrl }: CloudConfig) => urls ?? { keystone: authUrl };

/** What a run takes, out of the runtime. */
export const synchronisePorts = async (
  runtime: Pick<Runtime, 'clouds' | 'cloudConfigs' | 'world' | 'operations' | 'clock'>,
): Promise<SynchronisePorts> => {
  const { source, destination } = await runtime.cloudConfigs();
  const { world, operations, clock } = runtime;
  const urls = {
    source: urlsOf(source),
    ...(destination && { destination: urlsOf(destination) }),
  };
  return { clouds: await runtime.clouds(), world, operations, clock, urls };
};
