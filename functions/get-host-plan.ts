/** GET /hosts/{host_id}/plan: what an evacuation of the host would do, server by server. */
import { targetOf } from '../lib/commands/evacuation-input.ts';
import { evacuationPlan } from '../lib/commands/plan-host.ts';
import { api, ok } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter, query }) =>
  ok(await evacuationPlan(runtime(), parameter('host_id'), targetOf(query))),
);
