/** A volume becomes an image: the whole of it, zeros and all. */
import type { Transitions } from '../due.ts';
import { fillImage } from '../image/files.ts';
import { newImage } from '../image/images.ts';
import type { Volume } from '../model.ts';
import { recordOf, textOf } from '../reading.ts';
import { badRequest } from '../refusal.ts';
import { type Answer, accepted, type Call } from '../router.ts';

const UPLOAD_SECONDS = 2;

export function uploadToImage(call: Call, volume: Volume): Answer {
  if (volume.status !== 'available')
    throw badRequest(
      `Invalid volume: Volume ${volume.id} status must be available but current status is: ${volume.status}.`,
    );
  const input = recordOf(call.body['os-volume_upload_image']);
  const image = newImage(call.cloud, {
    ...recordOf(recordOf(volume.image_metadata).properties),
    name: textOf(input.image_name),
    disk_format: textOf(input.disk_format, 'raw'),
    container_format: textOf(input.container_format, 'bare'),
    visibility: textOf(input.visibility, 'private'),
    owner: call.who.projectId,
  });
  call.cloud.volumes.put({ ...volume, status: 'uploading' });
  call.cloud.later(UPLOAD_SECONDS, 'volume.uploaded', volume.id, { image: image.id });
  return accepted({
    'os-volume_upload_image': {
      id: volume.id,
      updated_at: volume.updated_at,
      status: 'uploading',
      display_description: volume.description,
      size: volume.size,
      volume_type: null,
      image_id: image.id,
      container_format: image.container_format,
      disk_format: image.disk_format,
      image_name: image.name,
      visibility: image.visibility,
      protected: false,
    },
  });
}

export const uploadTransitions: Transitions = {
  'volume.uploaded': async (cloud, due) => {
    const volume = cloud.volumes.get(due.subject);
    if (!volume) return;
    const digest = await cloud.bytes.digest(volume.segments);
    const image = cloud.images.get(textOf(due.data.image));
    if (image) fillImage(cloud, image, volume.segments, digest);
    const now = cloud.volumes.get(due.subject);
    if (now?.status === 'uploading') cloud.volumes.put({ ...now, status: 'available' });
  },
};
