import { cancellation } from '../../../lib/migration/cancellation.ts';
import { ensureResources } from '../../../lib/migration/ensure-resources.ts';
import { ensureGrant } from '../../../lib/migration/grant.ts';
import { idsOf } from '../../../lib/migration/ids.ts';
import { openTenantMove } from '../../../lib/migration/tenant-move.ts';
import { task } from '../../../lib/task.ts';

/** Seconds of work before the state machine is given a turn; the Lambda may take 120. */
const SECONDS = 60;

/** Brings over everything that the servers need, then gives our user its role in the new tenant. */
export const handler = task(async (runtime, { operation }) => {
  const { plans, events, world, clock } = runtime;
  const { source, destination, tenantId } = await openTenantMove(runtime, operation);
  const items = await plans.list(operation);
  const ids = idsOf(items);
  const site = { source, destination, ids, tenantId };
  const goOn = cancellation(runtime, operation);
  await ensureResources({ site, plans, events, world, ids, clock, goOn }, items, SECONDS);
  await goOn();
  await ensureGrant(destination, plans, operation, ids.of('tenant', tenantId));
  const open = (of: string) => items.filter(({ type, state }) => type === of && state !== 'failed');
  const images = open('image').map(({ id }) => id);
  const servers = open('server').filter(({ action }) => action === 'create');
  return { images, servers: servers.map(({ id }) => id) };
});
