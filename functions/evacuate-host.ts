/** POST /hosts/{host_id}: empties a living host of the source, now or by a schedule, or says what that would do. */
import { evacuateHost } from '../lib/commands/evacuate-host.ts';
import { evacuationInput } from '../lib/commands/evacuation-input.ts';
import { evacuationPlan } from '../lib/commands/plan-host.ts';
import { hasSchedule, scheduleEvacuation } from '../lib/commands/schedule-evacuation.ts';
import { api, created, ok, planned } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter, body, idempotencyKey }) => {
  const hostId = parameter('host_id');
  if (hasSchedule(body)) {
    return planned(await scheduleEvacuation(runtime(), { hostId, body, idempotencyKey }));
  }
  const { input, dryRun } = evacuationInput(body);
  if (dryRun) return ok(await evacuationPlan(runtime(), hostId, input));
  return created(await evacuateHost(runtime(), { hostId, input, idempotencyKey }));
});
