/** DELETE /hosts/{host_id}: begins to move an evacuated host from the source to the destination. */
import { reassignHost } from '../lib/commands/reassign-host.ts';
import { api, created } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter, body, idempotencyKey }) =>
  created(await reassignHost(runtime(), { hostId: parameter('host_id'), body, idempotencyKey })),
);
