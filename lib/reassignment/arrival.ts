/** The host reports to the destination, is mapped to a cell, and is opened for its proof. */

import { joinAggregate } from '../resources/aggregate.ts';
import { changeService, findComputeService, isMapped } from '../resources/host.ts';
import { tellProgress } from './progress.ts';
import type { Reassignment } from './reassignment.ts';

/**
 * Waits for the host's nova-compute, and then until the host is mapped to a cell.
 * Idempotent. @throws StillWaiting, DeadlineExceeded with the command that maps a host
 */
export const awaitCompute = async (reassignment: Reassignment): Promise<void> => {
  const { name, destination, settings, once, until } = reassignment;
  const { arrival } = settings.deadlines;
  await once('compute', async (intent) => {
    await tellProgress(reassignment, intent, 'arrival', { status: 'starting', progress: 0 });
    const what = `the compute service of ${name} to report to the destination: look at nova-compute on the host, its configuration and its network`;
    await until(intent, what, arrival, async () => {
      const service = await findComputeService(destination, name);
      return service?.state === 'up' || undefined;
    });
  });
  await once('mapping', async (intent) => {
    await tellProgress(reassignment, intent, 'arrival', { status: 'mapping', progress: 50 });
    const what = `host ${name} to be mapped to a cell: run "nova-manage cell_v2 discover_hosts --verbose" on a controller of the destination, or set [scheduler] discover_hosts_in_cells_interval there`;
    await until(
      intent,
      what,
      arrival,
      async () => (await isMapped(destination, name)) || undefined,
    );
  });
};

/**
 * Opens the host, since Nova places nothing on a disabled one; where an isolating aggregate is
 * configured, it stands in that first. Idempotent. @throws ResourceNotFound, StillWaiting
 */
export const admitHost = async (reassignment: Reassignment): Promise<void> => {
  const { name, destination, settings, once, until, note } = reassignment;
  await once('admit', async (intent) => {
    if (settings.aggregate) {
      await note({ aggregate: settings.aggregate });
      await joinAggregate(destination, settings.aggregate, name);
    }
    await until(intent, `host ${name} to be enabled`, settings.deadlines.smoke, async () => {
      const service = await findComputeService(destination, name);
      if (service?.status === 'disabled')
        await changeService(destination, service, { status: 'enabled' });
      return service?.status === 'enabled' || undefined;
    });
  });
};
