/**
 * Two runs of one workload, made comparable: what each run chose for itself (ids, names made of them,
 * times, the host that a scheduler picked) is named after what it stands for.
 */
import type { StreamEvent } from '../support/event-stream.ts';

type Json = Record<string, unknown>;

interface World {
  tenants: Json[];
  resources: Json[];
  hosts: Json[];
}

export interface Resources {
  source: World;
  destination: World;
  /** On their way from one cloud to the other. */
  hosts: Json[];
  events: string[];
}

/** The ids of OpenStack and those of operations, and MAC addresses, which Neutron makes up as well. */
const ID =
  /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g;

const CHOSEN_BY_SCHEDULERS = new Set(['host_name']);
const TIMES = new Set(['at']);

/** What every id of a run is called in both runs. */
export type Names = ReadonlyMap<string, string>;

const seededObjects = ({ source, destination }: Resources) => [
  ...source.resources,
  ...destination.resources,
];

const idsIn = (value: unknown): string[] => JSON.stringify(value).match(ID) ?? [];

/**
 * The names of a run: an id that both worlds were seeded with is its own, a copy is named after what it
 * was copied from, a snapshot after its server. Neutron makes a project's default group when it is
 * first asked for, with an id of its own.
 */
export const nameIds = (
  seeded: Resources,
  other: Resources,
  operations: readonly string[] = [],
  events: readonly StreamEvent[] = [],
): Names => {
  const shared = new Set(idsIn(other));
  const names = new Map(idsIn(seeded).flatMap((id) => (shared.has(id) ? [[id, id]] : [])));
  for (const { type, id, name, tenant_id } of seededObjects(seeded)) {
    if (!names.has(String(id))) names.set(String(id), `${type} ${name} of ${tenant_id}`);
  }
  for (const [index, operation] of operations.entries()) {
    names.set(operation, `operation ${index + 1}`);
  }
  const name = (id: unknown, text: string) => {
    if (typeof id === 'string' && !names.has(id)) names.set(id, text);
  };
  const nameOf = (id: unknown) => names.get(String(id)) ?? String(id);
  for (const { data } of events) {
    if (data.server_id && !data.source_id) name(data.id, `snapshot of ${nameOf(data.server_id)}`);
    if (data.source_id) name(data.id ?? data.destination_id, `copy of ${nameOf(data.source_id)}`);
  }
  return names;
};

/** A value without what the run chose for itself; objects have their keys in order. */
const comparable = (value: unknown, names: Names): unknown => {
  if (typeof value === 'string') {
    return names.get(value) ?? value.replace(ID, (id) => names.get(id) ?? 'an id of its own');
  }
  if (Array.isArray(value)) return value.map((one) => comparable(one, names));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([key]) => !TIMES.has(key));
  return Object.fromEntries(
    fields
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [
        key,
        CHOSEN_BY_SCHEDULERS.has(key) ? 'some host' : comparable(inner, names),
      ]),
  );
};

const line = ({ name, data }: StreamEvent, names: Names) =>
  `${name} ${JSON.stringify(comparable(data, names))}`;

/** The events of an operation as a set. */
export const eventSet = (events: readonly StreamEvent[], names: Names): string[] =>
  events.map((event) => line(event, names)).sort();

/** The story of each server: all that names it, its copy or its snapshot, in order. */
export const serverStories = (
  events: readonly StreamEvent[],
  names: Names,
  servers: readonly string[],
): Record<string, string[]> => {
  const lines = events.map((event) => line(event, names));
  const stories = servers.map((id) => [id, lines.filter((text) => text.includes(id))]);
  return Object.fromEntries(stories);
};

const sorted = (items: readonly unknown[], names: Names) =>
  items.map((item) => JSON.stringify(comparable(item, names))).sort();

/** Both clouds as sets; where they answer is each run's own. */
export const comparableWorld = ({ source, destination }: Resources, names: Names) =>
  Object.fromEntries(
    Object.entries({ source, destination }).map(([cloud, world]) => [
      cloud,
      {
        tenants: sorted(world.tenants, names),
        resources: sorted(world.resources, names),
        hosts: sorted(world.hosts, names),
      },
    ]),
  );
