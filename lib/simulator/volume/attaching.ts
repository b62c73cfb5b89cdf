/** Volumes and servers: at boot, while running, and at the end. Nova calls this; Cinder shows the result. */
import { micros } from '../clock.ts';
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import type { Fields, Server, ServerVolume, Volume } from '../model.ts';
import { mayUse } from '../policy.ts';
import { isTrue, listOf, numberOf, recordOf, textOf } from '../reading.ts';
import { badRequest } from '../refusal.ts';
import type { Call } from '../router.ts';
import { makeVolume } from './volumes.ts';

export const ATTACH_SECONDS = 1;

const deviceAt = (index: number) => `/dev/sd${String.fromCharCode(97 + index)}`;

/** A volume's place on a server: the next free device name. */
export function newServerVolume(
  cloud: SimulatedCloud,
  server: Pick<Server, 'image_id' | 'volumes'>,
  volumeId: string,
  more: Partial<ServerVolume> = {},
): ServerVolume {
  const index = server.volumes.length + (server.image_id ? 1 : 0);
  return {
    volume_id: volumeId,
    device: deviceAt(index),
    boot: false,
    delete_on_termination: false,
    attachment_id: cloud.newId(),
    bdm_uuid: cloud.newId(),
    ...more,
  };
}

/** What Cinder shows of one attachment. */
function attachmentView(cloud: SimulatedCloud, server: Server, one: ServerVolume): Fields {
  return {
    id: one.volume_id,
    attachment_id: one.attachment_id,
    volume_id: one.volume_id,
    server_id: server.id,
    host_name: server.host,
    device: one.device,
    attached_at: micros(cloud.now()),
  };
}

function source(call: Call, mapping: Fields): string {
  const id = textOf(mapping.uuid);
  if (mapping.source_type === 'volume') {
    const volume = call.cloud.volumes.get(id);
    if (!volume || !mayUse(call, volume.project_id))
      throw badRequest(`Block Device Mapping is Invalid: failed to get volume ${id}.`);
    if (volume.status !== 'available')
      throw badRequest(`Invalid volume: volume ${id} is not available.`);
    return id;
  }
  const size = numberOf(mapping.volume_size);
  if (mapping.source_type === 'image') return makeVolume(call, { size, imageRef: id, name: '' }).id;
  if (mapping.source_type === 'snapshot')
    return makeVolume(call, { size, snapshot_id: id, name: '' }).id;
  return makeVolume(call, { size, name: '' }).id;
}

/** The volumes that `block_device_mapping_v2` asks for; images and snapshots become new volumes. */
export function bootVolumes(call: Call, input: Fields): ServerVolume[] {
  const mappings = listOf(input.block_device_mapping_v2)
    .map((one) => recordOf(one))
    .filter((one) => one.destination_type !== 'local');
  const volumes: ServerVolume[] = [];
  for (const mapping of mappings) {
    const boot = numberOf(mapping.boot_index, -1) === 0;
    const isImage = textOf(input.imageRef) !== '' && !boot;
    const host = { image_id: isImage ? 'image' : '', volumes };
    volumes.push(
      newServerVolume(call.cloud, host, source(call, mapping), {
        boot,
        delete_on_termination: isTrue(mapping.delete_on_termination),
      }),
    );
  }
  return volumes;
}

/** Marks the volumes of a new server as its own. */
export function attachAtBoot(cloud: SimulatedCloud, server: Server): void {
  for (const one of server.volumes) {
    const volume = cloud.volumes.get(one.volume_id);
    if (!volume) continue;
    const attachments = [attachmentView(cloud, server, one)];
    cloud.volumes.put({ ...volume, status: 'in-use', attachments });
  }
}

/** When its server goes, a volume is free again, or goes with it. */
export function releaseVolumes(cloud: SimulatedCloud, server: Server): void {
  for (const one of server.volumes) {
    const volume = cloud.volumes.get(one.volume_id);
    if (!volume) continue;
    if (one.delete_on_termination) cloud.volumes.drop(volume.id);
    else cloud.volumes.put({ ...volume, status: 'available', attachments: [] });
  }
}

function free(cloud: SimulatedCloud, volume: Volume, serverId: string): void {
  const server = cloud.servers.get(serverId);
  if (server)
    cloud.servers.put({
      ...server,
      volumes: server.volumes.filter((one) => one.volume_id !== volume.id),
    });
  cloud.volumes.put({ ...volume, status: 'available', attachments: [] });
}

export const attachTransitions: Transitions = {
  'volume.attached': (cloud, due) => {
    const volume = cloud.volumes.get(due.subject);
    const server = cloud.servers.get(textOf(due.data.server));
    const one = server?.volumes.find((other) => other.volume_id === due.subject);
    if (volume?.status !== 'attaching') return;
    if (!server || !one) cloud.volumes.put({ ...volume, status: 'available' });
    else
      cloud.volumes.put({
        ...volume,
        status: 'in-use',
        attachments: [attachmentView(cloud, server, one)],
      });
  },
  'volume.detached': (cloud, due) => {
    const volume = cloud.volumes.get(due.subject);
    if (volume?.status === 'detaching') free(cloud, volume, textOf(due.data.server));
  },
};
