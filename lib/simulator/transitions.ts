/** Everything that happens by itself in a simulated cloud. */
import { nodeTransitions } from './baremetal/states.ts';
import { actionTransitions } from './compute/actions.ts';
import { bootTransitions } from './compute/boot.ts';
import { moveTransitions } from './compute/moves.ts';
import { snapshotTransitions } from './compute/snapshots.ts';
import type { Transitions } from './due.ts';
import { attachTransitions } from './volume/attaching.ts';
import { volumeSnapshotTransitions } from './volume/snapshots.ts';
import { uploadTransitions } from './volume/uploads.ts';
import { volumeTransitions } from './volume/volumes.ts';

export const TRANSITIONS: Transitions = {
  ...bootTransitions,
  ...actionTransitions,
  ...snapshotTransitions,
  ...moveTransitions,
  ...volumeTransitions,
  ...attachTransitions,
  ...uploadTransitions,
  ...volumeSnapshotTransitions,
  ...nodeTransitions,
};
