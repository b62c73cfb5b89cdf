import { boot } from '../../../lib/migration/server/boot.ts';
import { openMove, type ServerInput } from '../../../lib/migration/server/move.ts';
import { task } from '../../../lib/task.ts';

/** Boots the server at the destination on the ports that were reserved for it. */
export const handler = task(async (runtime, input: ServerInput) => {
  const move = await openMove(runtime, input);
  await move.once('boot', async (intent) => {
    const { id, name, image, ...server } = await boot(runtime, move, intent);
    const host = server['OS-EXT-SRV-ATTR:hypervisor_hostname'];
    await move.tell(intent, 'server boot', {
      ...{ id, cloud: 'destination', name, tenant_id: server.tenant_id },
      ...(image !== '' && { image_id: image.id }),
      ...(host && { host_name: host }),
      ...{ status: 'active', source_id: input.server },
    });
  });
});
