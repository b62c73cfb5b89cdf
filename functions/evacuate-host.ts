/** POST /hosts/{host_id}: begins to empty a living host of the source by live migration. */
import { evacuateHost } from '../lib/commands/evacuate-host.ts';
import { api, created } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter, body, idempotencyKey }) =>
  created(await evacuateHost(runtime(), { hostId: parameter('host_id'), body, idempotencyKey })),
);
