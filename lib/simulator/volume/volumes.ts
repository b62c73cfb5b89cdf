/** Cinder's volumes. Empty ones are zeros; those from an image or a snapshot have its bytes. */
import { sizeOf } from '../bytes.ts';
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import { maySee } from '../image/images.ts';
import type { Fields, Item, Segment, Volume } from '../model.ts';
import { page, sorted } from '../paging.ts';
import { mayUse } from '../policy.ts';
import { isTrue, numberOf, recordOf, textOf } from '../reading.ts';
import { badRequest, notFound } from '../refusal.ts';
import { type Answer, accepted, type Call, ok, type Routes, under } from '../router.ts';
import { requireVolumeRoom } from './quotas.ts';
import { uploadToImage } from './uploads.ts';
import { volumeLinks, volumeView } from './view.ts';

const CREATE_SECONDS = 1;
const DOWNLOAD_SECONDS = 3;
const DELETE_SECONDS = 1;
const GIB = 2 ** 30;

export const IN_USE =
  'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.';

export const volumeType = (cloud: SimulatedCloud): Item =>
  cloud.table('volume-type').all()[0] ?? { id: '', name: 'standard' };

export function volumeOf(call: Call, id = call.param('id')): Volume {
  const volume = call.cloud.volumes.get(id);
  if (!volume || !mayUse(call, volume.project_id))
    throw notFound(`Volume ${id} could not be found.`);
  return volume;
}

/** Content padded with zeros to the volume's size. */
function padded(segments: readonly Segment[], gib: number): Segment[] {
  const rest = gib * GIB - sizeOf(segments);
  return rest > 0 ? [...segments, { zeros: true, bytes: rest }] : [...segments];
}

interface Origin {
  segments: Segment[];
  /** GiB at least. */
  least: number;
  bootable: boolean;
  image?: Fields;
}

function originOf(call: Call, input: Fields): Origin {
  const { cloud } = call;
  if (input.imageRef) {
    const image = cloud.images.get(textOf(input.imageRef));
    if (!image || !maySee(call, image) || image.status !== 'active')
      throw badRequest('Invalid image identifier or unable to access requested image.');
    const least = Math.max(image.min_disk, Math.ceil((image.size ?? 0) / GIB));
    const { id, name, disk_format, container_format, checksum, size } = image;
    const facts = { image_id: id, image_name: name, disk_format, container_format, checksum, size };
    return { segments: image.segments, least, bootable: true, image: facts };
  }
  if (input.snapshot_id) {
    const snapshot = cloud.table('volume-snapshot').get(textOf(input.snapshot_id));
    if (!snapshot) throw notFound(`Snapshot ${textOf(input.snapshot_id)} could not be found.`);
    const parent = cloud.volumes.get(textOf(snapshot.volume_id));
    const least = numberOf(snapshot.size);
    return { segments: parent?.segments ?? [], least, bootable: parent?.bootable ?? false };
  }
  if (input.source_volid) {
    const parent = volumeOf(call, textOf(input.source_volid));
    return { segments: parent.segments, least: parent.size, bootable: parent.bootable };
  }
  return { segments: [], least: 0, bootable: false };
}

function requireType(cloud: SimulatedCloud, asked: string): void {
  const type = volumeType(cloud);
  if (asked && asked !== type.name && asked !== type.id)
    throw notFound(`Volume type with name ${asked} could not be found.`);
}

/** GiB: what is asked for, at least what the origin needs. */
function sizeFor(input: Fields, origin: Origin): number {
  const asked = textOf(input.size);
  const isCopy = Boolean(input.snapshot_id ?? input.source_volid);
  if (asked && numberOf(input.size) < 1 && !isCopy)
    throw badRequest(
      `Invalid input for field/attribute size. Value: ${asked}. ${asked} is less than the minimum of 1`,
    );
  const size = numberOf(input.size) || origin.least;
  if (size === 0)
    throw badRequest(
      'The server could not comply with the request since it is either malformed or otherwise incorrect.',
    );
  if (size < origin.least)
    throw badRequest(
      `Invalid input received: Image ${textOf(input.imageRef)} or source has a size of ${origin.least}GB and does not fit in a volume of size ${size}GB.`,
    );
  return size;
}

/** Checks like Cinder and makes a volume that is `creating`. */
export function makeVolume(call: Call, input: Fields): Volume {
  const { cloud, who } = call;
  requireType(cloud, textOf(input.volume_type));
  const origin = originOf(call, input);
  const size = sizeFor(input, origin);
  requireVolumeRoom(call, { volumes: 1, gigabytes: size });
  const volume = cloud.volumes.put({
    id: cloud.newId(),
    name: textOf(input.name) || null,
    description: textOf(input.description) || null,
    project_id: who.projectId,
    user_id: who.userId,
    status: 'creating',
    size,
    zone: 'nova',
    metadata: recordOf(input.metadata),
    bootable: origin.bootable,
    snapshot_id: textOf(input.snapshot_id) || null,
    source_volid: textOf(input.source_volid) || null,
    multiattach: isTrue(input.multiattach),
    attachments: [],
    segments: padded(origin.segments, size),
    image_metadata: origin.image ?? null,
    created_at: cloud.stampMicros(),
    updated_at: null,
  });
  cloud.later(origin.image ? DOWNLOAD_SECONDS : CREATE_SECONDS, 'volume.created', volume.id);
  return volume;
}

const COMPARED = ['name', 'status', 'metadata', 'bootable', 'id'];

function visible(call: Call): Volume[] {
  const { query, who, cloud } = call;
  const everyone = who.admin && isTrue(query.get('all_tenants'));
  const project = everyone ? (query.get('project_id') ?? query.get('tenant_id')) : who.projectId;
  return cloud.volumes
    .all()
    .reverse()
    .filter((volume) => project === null || volume.project_id === project)
    .filter((volume) =>
      COMPARED.every((name) => {
        const value = query.get(name);
        if (value === null || name === 'metadata') return true;
        return name === 'bootable' ? isTrue(value) === volume.bootable : value === volume[name];
      }),
    );
}

const brief = (call: Call, volume: Volume): Fields => ({
  id: volume.id,
  name: volume.name,
  links: volumeLinks(call, volume.id),
});

const list = (show: (call: Call, volume: Volume) => Fields) => (call: Call) => {
  const order = sorted(call, visible(call), (volume, key) => volume[key]);
  const { items, next } = page(call, order, (volume) => volume.id, {
    unknownMarker: (marker) => notFound(`Volume ${marker} could not be found.`),
    badLimit: (limit) =>
      badRequest(`Invalid input received: limit param must be an integer: ${limit}`),
  });
  const href = `${call.cloud.origin()}/volume/v3${call.path}?${next}`;
  return ok({
    volumes: items.map((volume) => show(call, volume)),
    ...(next ? { volumes_links: [{ rel: 'next', href }] } : {}),
  });
};

function remove(call: Call): Answer {
  const volume = volumeOf(call);
  const hasSnapshots = call.cloud
    .table('volume-snapshot')
    .find((one) => one.volume_id === volume.id);
  const isIdle = ['available', 'error'].includes(volume.status) && volume.attachments.length === 0;
  if (!isIdle || hasSnapshots) throw badRequest(IN_USE);
  call.cloud.volumes.put({ ...volume, status: 'deleting' });
  call.cloud.later(DELETE_SECONDS, 'volume.deleted', volume.id);
  return accepted('', { 'Content-Type': 'text/html; charset=UTF-8' });
}

function extend(call: Call, volume: Volume): Answer {
  const size = numberOf(recordOf(call.body['os-extend']).new_size);
  if (size <= volume.size)
    throw badRequest(
      `Invalid input received: New size for extend must be greater than current size. (current: ${volume.size}, extended: ${size}).`,
    );
  requireVolumeRoom(call, { gigabytes: size - volume.size });
  const content = volume.segments.filter((one) => !('zeros' in one));
  call.cloud.volumes.put({
    ...volume,
    status: 'extending',
    size,
    segments: padded(content, size),
  });
  call.cloud.later(CREATE_SECONDS, 'volume.created', volume.id);
  return accepted();
}

const ACTIONS: Record<string, (call: Call, volume: Volume) => Answer> = {
  'os-extend': extend,
  'os-volume_upload_image': uploadToImage,
  'os-set_bootable': (call, volume) => {
    const bootable = isTrue(recordOf(call.body['os-set_bootable']).bootable);
    call.cloud.volumes.put({ ...volume, bootable });
    return ok(undefined);
  },
  'os-reset_status': (call, volume) => {
    const status = textOf(recordOf(call.body['os-reset_status']).status, volume.status);
    call.cloud.volumes.put({ ...volume, status });
    return accepted();
  },
};

function act(call: Call): Answer {
  const volume = volumeOf(call);
  const [name = ''] = Object.keys(call.body);
  const action = ACTIONS[name];
  if (!action) throw badRequest(`There is no such action: ${name}`);
  return action(call, volume);
}

const BASE = '/:project/volumes';

export const volumeRoutes: Routes = {
  [`GET ${BASE}`]: list(brief),
  [`GET ${BASE}/detail`]: list(volumeView),
  [`GET ${BASE}/:id`]: (call) => ok({ volume: volumeView(call, volumeOf(call)) }),
  [`POST ${BASE}`]: (call) => {
    const volume = makeVolume(call, under(call, 'volume'));
    return accepted({
      volume: volumeView({ ...call, who: { ...call.who, admin: false } }, volume),
    });
  },
  [`PUT ${BASE}/:id`]: (call) => {
    const volume = volumeOf(call);
    const { name, description, metadata } = under(call, 'volume');
    const changed = call.cloud.volumes.put({
      ...volume,
      ...(name === undefined ? {} : { name: textOf(name) }),
      ...(description === undefined ? {} : { description }),
      ...(metadata === undefined ? {} : { metadata }),
      updated_at: call.cloud.stampMicros(),
    });
    const modest = { ...call, who: { ...call.who, admin: false } };
    return ok({ volume: volumeView(modest, changed) });
  },
  [`DELETE ${BASE}/:id`]: remove,
  [`POST ${BASE}/:id/action`]: act,
};

export const volumeTransitions: Transitions = {
  'volume.created': (cloud, due) => {
    const volume = cloud.volumes.get(due.subject);
    if (!volume || !['creating', 'extending', 'uploading'].includes(volume.status)) return;
    cloud.volumes.put({ ...volume, status: 'available', updated_at: cloud.stampMicros() });
  },
  'volume.deleted': (cloud, due) => {
    cloud.volumes.drop(due.subject);
  },
};
