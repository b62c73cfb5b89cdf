import { refuseCancelled } from '../../../lib/migration/cancellation.ts';
import { copyImage } from '../../../lib/migration/copy-image.ts';
import { openTenantMove } from '../../../lib/migration/tenant-move.ts';
import { record } from '../../../lib/record.ts';
import { getImage, image, recordOf } from '../../../lib/resources/image.ts';
import { task } from '../../../lib/task.ts';

/** Copies the bytes of one image of the tenant; its record was made along with everything else. */
export const handler = task(async (runtime, input: { operation: string; image: string }) => {
  const { plans } = runtime;
  const { source, destination, operation } = await openTenantMove(runtime, input.operation);
  const item = await plans.get(input.operation, { type: image.type, id: input.image });
  const there = await getImage(destination, String(item.destinationId));
  if (item.notes.copied || (item.action === 'reuse' && there.status === 'active')) return;
  if (!item.intents.copy) refuseCancelled(operation);
  const { tail: after } = await plans.intend(item, 'copy');
  const renew = async () => {
    const body = recordOf(await getImage(source, item.id), there.owner ?? '');
    const { id } = await destination.post<{ id: string }>('image', '/v2/images', body);
    await plans.remember(item, id, item.operation);
    await plans.update(item, { destinationId: id });
    return id;
  };
  await copyImage({
    ...{ source, destination, renew, sourceImageId: item.id, destinationImageId: there.id },
    tell: async (name, data, step) => {
      const key = `image:${item.id}/${step}`;
      await record(runtime, { operation: item.operation, step: key, name, data, after });
    },
  });
  await plans.update(item, { notes: { copied: true } });
});
