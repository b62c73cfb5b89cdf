/** How a server can leave its host, by its state. Nova moves memory live, and what is off cold. */
import { isBusy } from '../migration/server/states.ts';
import type { Server } from '../resources/server.ts';

/** `wake` is for what Nova moves neither way: it is resumed, moved live, and suspended again. */
export type Way = 'live' | 'cold' | 'wake';

/**
 * @see nova/compute/api.py: `live_migrate` takes ACTIVE and PAUSED, `resize` ACTIVE and STOPPED
 */
const WAYS: Readonly<Record<string, Way>> = {
  ACTIVE: 'live',
  PAUSED: 'live',
  SHUTOFF: 'cold',
  SUSPENDED: 'wake',
};

/** What somebody has to do by hand with a server of a state that Nova does not move. */
const ADVICE: Readonly<Record<string, string>> = {
  SHELVED: 'offload it (openstack server shelve --offload) or unshelve it',
  SHELVED_OFFLOADED: 'it is on no host any more',
  ERROR: 'mend it (openstack server rebuild, openstack server set --state active) or delete it',
  RESCUE: 'end its rescue (openstack server unrescue)',
  VERIFY_RESIZE: 'confirm or revert its resize',
  SOFT_DELETED: 'restore it or delete it for good',
};

/** True while somebody else's task is in hand: it is waited for. */
export const isOccupied = (server: Server): boolean => isBusy(server) || server.status === 'BUILD';

export const wayOf = ({ status }: Pick<Server, 'status'>): Way | undefined => WAYS[status];

/** Why a server has to be left where it is, and what to do about it. */
export const adviceFor = ({ status }: Pick<Server, 'status'>): string =>
  `it is ${status}, which Nova does not move: ${ADVICE[status] ?? 'bring it into another state'}`;
