/** The snapshot by which a server's disk travels: taken in the source, copied, and removed after the proof. */
import { isError, PumphouseError } from '../../domain/errors.ts';
import type { Intent } from '../../domain/plan.ts';
import type { Cloud } from '../../ports.ts';
import { getImage, type Image, recordOf } from '../../resources/image.ts';
import { all } from '../../resources/resource-type.ts';
import { copyImage } from '../copy-image.ts';
import type { ServerMove } from './move.ts';

/** Seconds in which Nova takes a snapshot and uploads it. */
const SNAPSHOT_SECONDS = 7200;

/** Unique, so that a snapshot whose answer was lost is found again by its name. */
const nameOf = ({ item }: ServerMove) => `pumphouse-${item.operation}-${item.id}`;

const findByName = async (cloud: Cloud, name: string) =>
  (await all(cloud.list<Image>('image', '/v2/images', 'images', { query: { name } })))[0];

const request = async (move: ServerMove) => {
  const { source, item } = move;
  const known = await findByName(source, nameOf(move));
  if (known) return known.id;
  const body = { createImage: { name: nameOf(move), metadata: {} } };
  const path = `/servers/${item.id}/action`;
  const { image_id } = await source.post<{ image_id: string }>('compute', path, body);
  return image_id;
};

const lost = (name: string, why: string) =>
  new PumphouseError('ResourceFailed', `The snapshot of server ${name} failed: ${why}`);

const whenGone = (name: string) => (error: unknown) => {
  throw isError(error, 'ResourceNotFound') ? lost(name, 'Nova took it back') : error;
};

/**
 * Takes the snapshot and watches until it is active. Idempotent by its name.
 * @throws ResourceFailed when Nova gives it up: the image then is deleted, killed, or has no bytes
 * @see https://docs.openstack.org/api-ref/compute/#create-image-createimage-action
 */
export const takeSnapshot = async (move: ServerMove, intent: Intent): Promise<Image> => {
  const { source, item, note, until } = move;
  const id = item.notes.snapshot ? String(item.notes.snapshot) : await request(move);
  await note({ snapshot: id });
  const what = `the snapshot of server ${item.label}`;
  const image = await until(intent, what, SNAPSHOT_SECONDS, async () => {
    const { status, ...rest } = await getImage(source, id).catch(whenGone(item.label));
    if (status === 'active') return { status, ...rest } as Image;
    if (['queued', 'saving', 'importing', 'uploading'].includes(status)) return undefined;
    throw lost(item.label, `the image is ${status}`);
  });
  if (!image.size) throw lost(item.label, 'the image has no bytes');
  return image;
};

/** A client's own checksums of the image that the server was booted from: they are not this disk's. */
const ofAnotherImage = ([key]: [string, unknown]) => key.startsWith('owner_specified.');

const post = (move: ServerMove, { protected: _protected, ...snapshot }: Image) => {
  const own = Object.entries(snapshot).filter((property) => !ofAnotherImage(property));
  const image = { ...Object.fromEntries(own), visibility: 'private' } as Image;
  const record = { ...recordOf(image, move.tenantId), name: nameOf(move) };
  return move.destination.post<Image>('image', '/v2/images', record);
};

/** The record at the destination: found by its name after a lost answer. */
const makeRecord = async (move: ServerMove, snapshot: Image) => {
  const known = await findByName(move.destination, nameOf(move));
  const { id } = known ?? (await post(move, snapshot));
  await move.note({ copy: id });
  return id;
};

/** Copies the snapshot into an image of the tenant; answers its id. */
export const copySnapshot = async (move: ServerMove, intent: Intent): Promise<string> => {
  const { source, destination, item, tenantId, tell } = move;
  const snapshot = await getImage(source, String(item.notes.snapshot));
  const record = async () => {
    const id = item.notes.copy ? String(item.notes.copy) : await makeRecord(move, snapshot);
    const data = { id, cloud: 'destination', source_id: snapshot.id, name: nameOf(move) };
    await tell(intent, 'image created', { ...data, tenant_id: tenantId }, `copy/${id}`);
    return id;
  };
  return copyImage({
    ...{ source, destination, sourceImageId: snapshot.id, destinationImageId: await record() },
    async renew() {
      await move.note({ copy: '' });
      return record();
    },
    tell: (name, data, step) => tell(intent, name, data, step),
  });
};

/** Removes the snapshot from the source. One that is gone is a success. */
export const removeSnapshot = async (move: ServerMove, intent: Intent): Promise<void> => {
  const { source, item, tell } = move;
  const id = item.notes.snapshot ?? (await findByName(source, nameOf(move)))?.id;
  if (!id) return;
  await source.delete('image', `/v2/images/${id}`);
  await tell(intent, 'image delete', { id, cloud: 'source' }, 'snapshot deleted');
};

/** Removes the copy from the destination, for a server that did not arrive. */
export const removeCopy = async (move: ServerMove, intent: Intent): Promise<void> => {
  const { destination, item, tell } = move;
  const id = item.notes.copy ?? (await findByName(destination, nameOf(move)))?.id;
  if (!id) return;
  await destination.delete('image', `/v2/images/${id}`);
  await tell(intent, 'image delete', { id, cloud: 'destination' }, 'copy deleted');
};

/** Names the copy for the people who will find it among the tenant's images: the server runs from it. */
export const nameCopy = async ({ destination, item }: ServerMove): Promise<void> => {
  if (!item.notes.copy) return;
  const rename = [{ op: 'replace', path: '/name', value: `disk of ${item.label}` }];
  await destination.patch('image', `/v2/images/${item.notes.copy}`, rename);
};
