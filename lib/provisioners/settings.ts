/** What the operator wrote under `pumphouse:` into the destination's entry of `clouds.yaml`. */
import { PumphouseError } from '../domain/errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface Settings {
  /** The aggregate that a new host stands in until its smoke server has run. */
  aggregate?: string;
  /** By id or name; the smallest that fit when absent. */
  smoke: { image?: string; flavor?: string };
  /** Seconds. */
  deadlines: Deadlines;
  /** What each provisioner reads by itself. */
  ironic: Fields;
  fuel: Fields;
}

export interface Deadlines {
  /** Until Nova misses a host that was powered off. */
  silence: number;
  /** Until every trace of it is gone from the source. */
  removal: number;
  provision: number;
  /** Until its nova-compute reports, and again until it is mapped to a cell. */
  arrival: number;
  smoke: number;
}

const DEADLINES: Deadlines = {
  ...{ silence: 900, removal: 600, provision: 14_400, arrival: 1800, smoke: 900 },
};

export const invalidSetting = (field: string, what: string) =>
  new PumphouseError(
    'InvalidRequest',
    `clouds.yaml: pumphouse.${field} of the destination ${what}`,
    { details: { field: `pumphouse.${field}` } },
  );

export const mappingAt = (fields: Fields, name: string, path = name): Fields => {
  const value = fields[name] ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Fields;
  throw invalidSetting(path, 'must be a mapping');
};

export const textAt = (fields: Fields, name: string, path = name): string | undefined => {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw invalidSetting(path, 'must be text');
};

export const requiredAt = (fields: Fields, name: string, path = name): string => {
  const value = textAt(fields, name, path);
  if (value !== undefined) return value;
  throw invalidSetting(path, 'is missing');
};

const secondsAt = (fields: Fields, name: keyof Deadlines): number => {
  const value = Number(fields[name] ?? DEADLINES[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalidSetting(`deadlines.${name}`, 'must be a number of seconds');
};

/** @throws InvalidRequest naming the field */
export const readSettings = (pumphouse: Fields = {}): Settings => {
  const smoke = mappingAt(pumphouse, 'smoke');
  const deadlines = mappingAt(pumphouse, 'deadlines');
  const aggregate = textAt(pumphouse, 'isolating_aggregate');
  const image = textAt(smoke, 'image', 'smoke.image');
  const flavor = textAt(smoke, 'flavor', 'smoke.flavor');
  const names = Object.keys(DEADLINES) as (keyof Deadlines)[];
  return {
    ...(aggregate && { aggregate }),
    smoke: { ...(image && { image }), ...(flavor && { flavor }) },
    deadlines: Object.fromEntries(
      names.map((name) => [name, secondsAt(deadlines, name)]),
    ) as unknown as Deadlines,
    ironic: mappingAt(pumphouse, 'ironic'),
    fuel: mappingAt(pumphouse, 'fuel'),
  };
};
