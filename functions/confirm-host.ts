/** POST /hosts/{host_id}/confirm: a person has done the step that a reassignment waits for. */
import { confirmHost } from '../lib/commands/confirm-host.ts';
import { api, ok } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter, body }) =>
  ok(await confirmHost(runtime(), { hostId: parameter('host_id'), body })),
);
