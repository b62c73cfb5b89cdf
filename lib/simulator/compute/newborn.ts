/** A server that nobody has placed yet: what every one begins with, and the first line of its history. */
import type { Fields, Flavor, Image, Server } from '../model.ts';
import { textOf } from '../reading.ts';
import type { Call } from '../router.ts';

/** An entry of `os-instance-actions`. */
export const action = (call: Call, name: string): Fields => ({
  action: name,
  request_id: call.requestId,
  user_id: call.who.userId,
  project_id: call.who.projectId,
  start_time: call.cloud.stampMicros(),
  updated_at: call.cloud.stampMicros(),
  message: null,
});

/** Of the caller's project, without a host, a disk or ports. */
export function newServer(
  call: Call,
  name: string,
  flavor: Flavor,
  image: Image | undefined,
): Server {
  const { cloud, who } = call;
  const now = cloud.stamp();
  return {
    ...imageFacts(flavor, image),
    ...UNTOUCHED,
    id: cloud.newId(),
    name,
    project_id: who.projectId,
    user_id: who.userId,
    flavor: structuredClone(flavor),
    created: now,
    updated: now,
    number: cloud.next('server'),
    reservation_id: `r-${cloud.newHexId().slice(0, 8)}`,
    booted_by: {
      owner_user_name: who.userName,
      owner_project_name: textOf(cloud.table('project').get(who.projectId)?.name),
      boot_roles: who.roles.join(','),
    },
    actions: [action(call, 'create')],
  };
}

/** What Nova remembers of the image, for snapshots to inherit. */
const imageFacts = (flavor: Flavor, image: Image | undefined) => ({
  image_id: image?.id ?? '',
  image_properties: image?.properties ?? {},
  disk_format: image?.disk_format ?? null,
  min_disk: Math.max(image?.min_disk ?? 0, flavor.disk),
});

const UNTOUCHED = {
  host: null,
  vm_state: 'building',
  task_state: 'scheduling',
  power_state: 0,
  metadata: {},
  tags: [],
  key_name: null,
  user_data: null,
  description: null,
  locked: false,
  locked_reason: null,
  config_drive: false,
  zone: 'nova',
  launched_at: null,
  disk: [],
  ports: [],
  own_ports: [],
  security_groups: [],
  volumes: [],
  fault: null,
};
