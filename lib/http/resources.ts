/** The world as `GET /resources` shows it: the contract's shape, absent rather than null. */
import { PumphouseError } from '../domain/errors.ts';
import {
  CLOUD_NAMES,
  type CloudName,
  type CloudState,
  type Place,
  shownStatus,
  WORLD_TYPES,
  type WorldItem,
  type WorldStatus,
} from '../domain/world.ts';
import { inOrder } from './key-order.ts';

export interface CloudAnswer {
  urls: Record<string, string>;
  tenants: object[];
  resources: object[];
  hosts: object[];
  /** Why the cloud could not be listed of late; what is shown beside it is what was last known. */
  error?: string;
}

export interface WorldAnswer {
  reset: boolean;
  source: CloudAnswer;
  destination?: CloudAnswer;
  /** Hosts of neither cloud. */
  hosts: object[];
  /** The ids of the running operations, which are those of their streams. */
  events: string[];
  /** The marker of the next page, while there is one. */
  next?: string;
}

export interface WorldReading {
  items: readonly WorldItem[];
  clouds: readonly CloudState[];
  /** Ids of the running operations. */
  running: readonly string[];
  resetEnabled: boolean;
  hasDestination: boolean;
}

/** Which part of the world is asked for. */
export interface Page {
  limit: number;
  marker?: string;
}

const withStatus = (view: object, status: WorldStatus | undefined) =>
  inOrder({ ...view, ...(status && { status }) });

const shown = (item: WorldItem): object => {
  const { id, type, reason } = item;
  const view = { ...item.view, ...(reason && { reason }) };
  const status = shownStatus(item);
  if (type === 'host') return withStatus({ ...view, name: id }, status);
  if (type === 'tenant') return withStatus({ description: '', ...view, id }, status);
  return withStatus({ ...view, id, type }, status);
};

const typeRank = new Map(WORLD_TYPES.map((type, index) => [type, String(index).padStart(3, '0')]));

const PLACES: readonly Place[] = [...CLOUD_NAMES, 'none'];

/** Sorts objects by cloud, type and id, and names their place for a marker. */
const place = ({ cloud, type, id }: WorldItem) =>
  `${PLACES.indexOf(cloud)}${typeRank.get(type)}${id}`;

const marker = (item: WorldItem) => Buffer.from(place(item)).toString('base64url');

const invalid = (field: string, message: string) =>
  new PumphouseError('InvalidRequest', message, { details: { field } });

/**
 * What `?limit` and `?marker` ask for; nothing without a limit, which is the whole world.
 * @throws InvalidRequest naming the field
 */
export const readPage = (query: Readonly<Record<string, string | undefined>>): Page | undefined => {
  const { limit: text, marker } = query;
  if (text === undefined) return undefined;
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > 1000) {
    throw invalid('limit', `limit is ${text}; it takes a whole number from 1 to 1000`);
  }
  if (marker === undefined) return { limit };
  const after = Buffer.from(marker, 'base64url').toString();
  if (/^[0-2]\d{3}./.test(after)) return { limit, marker: after };
  throw invalid('marker', 'marker is none of ours; take it from next of the page before');
};

const cut = (items: readonly WorldItem[], page: Page | undefined) => {
  const sorted = items
    .map((item) => ({ item, at: place(item) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  if (!page) return { listed: sorted.map(({ item }) => item) };
  const rest = sorted.filter(({ at }) => page.marker === undefined || at > page.marker);
  const listed = rest.slice(0, page.limit).map(({ item }) => item);
  const last = listed.at(-1);
  return { listed, ...(rest.length > page.limit && last && { next: marker(last) }) };
};

/** The whole world, or the page of it that is asked for. */
export const worldAnswer = (reading: WorldReading, page?: Page): WorldAnswer => {
  const { listed, next } = cut(reading.items, page);
  const cloudAnswer = (cloud: CloudName): CloudAnswer => {
    const state = reading.clouds.find((one) => one.cloud === cloud);
    const own = listed.filter((item) => item.cloud === cloud);
    const all = (wanted: (item: WorldItem) => boolean) => own.filter(wanted).map(shown);
    return {
      urls: state?.urls ?? {},
      tenants: all(({ type }) => type === 'tenant'),
      resources: all(({ type }) => type !== 'tenant' && type !== 'host'),
      hosts: all(({ type }) => type === 'host'),
      ...(state?.error && { error: state.error }),
    };
  };
  return {
    reset: reading.resetEnabled,
    source: cloudAnswer('source'),
    ...(reading.hasDestination && { destination: cloudAnswer('destination') }),
    hosts: listed.filter(({ cloud }) => cloud === 'none').map(shown),
    events: [...reading.running].sort(),
    ...(next && { next }),
  };
};

/** Objects of an array that are put into one piece of text. */
const PIECE = 500;

/** `JSON.stringify(value)` in pieces, so that a large world is never one string. */
export function* jsonPieces(value: unknown): Generator<string> {
  if (Array.isArray(value) && value.length > PIECE) {
    for (let start = 0; start < value.length; start += PIECE) {
      const piece = JSON.stringify(value.slice(start, start + PIECE)).slice(1, -1);
      yield `${start === 0 ? '[' : ','}${piece}`;
    }
    yield ']';
  } else if (value && typeof value === 'object' && !Array.isArray(value)) {
    let separator = '{';
    for (const [key, inner] of Object.entries(value)) {
      yield `${separator}${JSON.stringify(key)}:`;
      yield* jsonPieces(inner);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  } else {
    yield JSON.stringify(value);
  }
}
