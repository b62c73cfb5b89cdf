/** What a listing changes in what is remembered: decided here, written elsewhere. */
import type { WorldItem } from '../domain/world.ts';
import type { Observation } from '../ports.ts';
import { canonical } from '../resources/resource-type.ts';

/** One write, conditional on the version of `seen`. */
export type Correction =
  | { kind: 'observe'; observation: Observation; seen?: WorldItem }
  | { kind: 'miss'; seen: WorldItem };

const isKnown = ({ view, observed }: Observation, seen: WorldItem) =>
  !seen.gone &&
  !seen.missed &&
  seen.observed === observed &&
  canonical(seen.view) === canonical(view);

/**
 * The corrections that bring what is remembered to what was listed. What a running operation has
 * touched is left alone: its events say better what is true.
 */
export const differences = (
  listed: readonly Observation[],
  remembered: readonly WorldItem[],
  running: ReadonlySet<string>,
): Correction[] => {
  const unlisted = new Map(remembered.map((item) => [item.id, item]));
  const isHeld = ({ operation }: WorldItem) => operation !== undefined && running.has(operation);
  const corrections: Correction[] = [];
  for (const observation of new Map(listed.map((one) => [one.id, one])).values()) {
    const seen = unlisted.get(observation.id);
    unlisted.delete(observation.id);
    if (seen && (isHeld(seen) || isKnown(observation, seen))) continue;
    corrections.push({ kind: 'observe', observation, ...(seen && { seen }) });
  }
  for (const seen of unlisted.values()) {
    if (!seen.gone && !isHeld(seen)) corrections.push({ kind: 'miss', seen });
  }
  return corrections;
};
