/** The world: what both clouds hold, as `GET /resources` shows it. */

export type CloudName = 'source' | 'destination';
export const CLOUD_NAMES: readonly CloudName[] = ['source', 'destination'];
