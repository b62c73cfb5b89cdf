/** createImage: an image of the caller's project with the bytes of the server's disk. */

import { sizeOf } from '../bytes.ts';
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import { fillImage } from '../image/files.ts';
import { newImage, sweepBytes } from '../image/images.ts';
import type { Fields, Image, Server } from '../model.ts';
import { omit, recordOf, textOf } from '../reading.ts';
import { badRequest, forbidden } from '../refusal.ts';
import { type Answer, accepted, type Call } from '../router.ts';
import { snapshotVolumes } from '../volume/snapshots.ts';
import { requireState } from './actions.ts';
import { changeServer } from './servers.ts';

const PENDING_SECONDS = 0.5;
const UPLOADING_SECONDS = 0.5;
/** What a busy hypervisor reads, packs and sends. */
const BYTES_PER_SECOND = 100 * 2 ** 20;
const ID_IN_BODY_SINCE = 45;

/** What Nova writes on every snapshot, and of the server's image what it inherits. */
function propertiesOf(call: Call, server: Server): Fields {
  return {
    ...omit(server.image_properties, ['image_type', 'instance_uuid', 'user_id']),
    base_image_ref: server.image_properties.base_image_ref ?? server.image_id,
    ...server.booted_by,
    instance_uuid: server.id,
    user_id: call.who.userId,
    image_type: 'snapshot',
    ...recordOf(recordOf(call.body.createImage).metadata),
  };
}

function answer(call: Call, imageId: string): Answer {
  const location = `${call.cloud.origin()}/image/images/${imageId}`;
  return call.version >= ID_IN_BODY_SINCE
    ? accepted({ image_id: imageId })
    : accepted('', { Location: location, 'Content-Type': 'text/html; charset=UTF-8' });
}

/** Of a server on a volume: an image of no bytes that names snapshots of its volumes. */
function imageOfVolumes(call: Call, server: Server, name: string): Answer {
  const image = newImage(call.cloud, {
    ...propertiesOf(call, server),
    name,
    owner: call.who.projectId,
    visibility: 'private',
    bdm_v2: 'True',
    root_device_name: '/dev/sda',
    block_device_mapping: JSON.stringify(snapshotVolumes(call, server, name)),
  });
  call.cloud.images.put({
    ...image,
    status: 'active',
    size: 0,
    checksum: 'd41d8cd98f00b204e9800998ecf8427e',
  });
  return answer(call, image.id);
}

/** A snapshot that somebody else takes is shared with the server's own project, which has to accept it. */
function offer(cloud: SimulatedCloud, image: Image, projectId: string): void {
  cloud.images.put({ ...image, visibility: 'shared' });
  const now = cloud.stamp();
  cloud.table('image-member').put({
    id: `${image.id}/${projectId}`,
    member_id: projectId,
    image_id: image.id,
    status: 'pending',
    created_at: now,
    updated_at: now,
  });
}

export function createImage(call: Call, server: Server): Answer {
  const name = textOf(recordOf(call.body.createImage).name);
  if (!name)
    throw badRequest(
      "Invalid input for field/attribute createImage. Value: {}. 'name' is a required property",
    );
  requireState(server, 'createImage', ['active', 'paused', 'stopped', 'suspended']);
  if (Object.keys(recordOf(recordOf(call.body.createImage).metadata)).length > 128)
    throw forbidden('Quota exceeded, too many metadata items in image.');
  if (!server.image_id) return imageOfVolumes(call, server, name);
  const image = newImage(call.cloud, {
    ...propertiesOf(call, server),
    name,
    owner: call.who.projectId,
    visibility: 'private',
    min_disk: server.min_disk,
  });
  if (server.project_id !== call.who.projectId) offer(call.cloud, image, server.project_id);
  changeServer(call.cloud, server, { task_state: 'image_snapshot' });
  call.cloud.later(PENDING_SECONDS, 'snapshot.read', server.id, { image: image.id });
  return answer(call, image.id);
}

const settled = (cloud: SimulatedCloud, serverId: string) => {
  const server = cloud.servers.get(serverId);
  if (server?.task_state?.startsWith('image_')) changeServer(cloud, server, { task_state: null });
};

export const snapshotTransitions: Transitions = {
  'snapshot.read': (cloud, due) => {
    const server = cloud.servers.get(due.subject);
    const image = cloud.images.get(textOf(due.data.image));
    if (!server || !image) return settled(cloud, due.subject);
    if (server.metadata.bed_fault === 'snapshot') {
      cloud.images.drop(image.id);
      return settled(cloud, server.id);
    }
    changeServer(cloud, server, { task_state: 'image_uploading' });
    const format = { disk_format: server.disk_format, container_format: 'bare' };
    cloud.images.put({ ...image, ...format, status: 'saving' });
    const time = UPLOADING_SECONDS + sizeOf(server.disk) / BYTES_PER_SECOND;
    cloud.later(time, 'snapshot.uploaded', server.id, due.data, due.at);
  },
  'snapshot.uploaded': async (cloud, due) => {
    const server = cloud.servers.get(due.subject);
    const digest = server && (await cloud.bytes.digest(server.disk));
    const image = cloud.images.get(textOf(due.data.image));
    if (image && digest) fillImage(cloud, image, server.disk, digest);
    settled(cloud, due.subject);
    sweepBytes(cloud);
  },
};
