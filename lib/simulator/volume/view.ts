/** How a volume looks from outside. */
import type { Fields, Volume } from '../model.ts';
import { pick } from '../reading.ts';
import type { Call } from '../router.ts';

export const volumeLinks = (call: Call, id: string) => {
  const path = `${call.who.projectId}/volumes/${id}`;
  return [
    { rel: 'self', href: `${call.cloud.origin()}/volume/v3/${path}` },
    { rel: 'bookmark', href: `${call.cloud.origin()}/volume/${path}` },
  ];
};

const adminView = (call: Call): Fields =>
  call.who.admin
    ? {
        'os-vol-mig-status-attr:migstat': null,
        'os-vol-mig-status-attr:name_id': null,
        'os-vol-host-attr:host': `${call.cloud.name}@file#file`,
      }
    : {};

/** The fields that came with later microversions, by the one they came with. */
function newer(call: Call, typeId: string): Fields {
  const since = (version: number, fields: Fields) => (call.version >= version ? fields : {});
  return {
    ...since(13, { group_id: null }),
    ...since(21, { provider_id: null }),
    ...since(48, { shared_targets: false, service_uuid: null }),
    ...since(61, { cluster_name: null }),
    ...since(63, { volume_type_id: typeId }),
    ...since(65, { consumes_quota: true }),
  };
}

export function volumeView(call: Call, volume: Volume): Fields {
  const type = call.cloud.table('volume-type').all()[0];
  const image = volume.image_metadata ? { volume_image_metadata: volume.image_metadata } : {};
  return {
    ...pick(volume, ['id', 'status', 'size', 'created_at', 'updated_at', 'name', 'description']),
    availability_zone: 'nova',
    volume_type: type?.name ?? null,
    snapshot_id: volume.snapshot_id,
    source_volid: volume.source_volid,
    metadata: volume.metadata,
    links: volumeLinks(call, volume.id),
    user_id: volume.user_id,
    bootable: String(volume.bootable),
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: volume.attachments,
    migration_status: null,
    ...newer(call, type?.id ?? ''),
    ...image,
    ...(call.who.admin ? { 'os-vol-tenant-attr:tenant_id': volume.project_id } : {}),
    ...adminView(call),
  };
}
