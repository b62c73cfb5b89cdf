/** Copies one image's record and bytes to the destination: ensured, hashed, resumable from the start of the bytes. */

import { isError } from '../domain/errors.ts';
import type { EventData, EventName } from '../domain/event.ts';
import { relay } from '../openstack/relay.ts';
import type { Cloud } from '../ports.ts';

export interface ImageCopy {
  source: Cloud;
  destination: Cloud;
  sourceImageId: string;
  /** The record at the destination. */
  destinationImageId: string;
  /** Makes the record again after a dead copy left it unusable; answers its id. */
  renew(): Promise<string>;
  /** Records an event of this copy, once per step. */
  tell(name: EventName, data: EventData, step: string): Promise<unknown>;
}

/** Attempts to copy into a fresh record before the failure is the clouds'. */
const ATTEMPTS = 3;

/** Tells of each tenth in order, without holding up the bytes; `told` is done when all is told. */
const progressTeller = ({ sourceImageId, tell }: ImageCopy, id: string) => {
  let told: Promise<unknown> = Promise.resolve();
  const onProgress = (progress: number) => {
    const data = { id, source_id: sourceImageId, progress };
    told = told.then(() => tell('image uploading', data, `uploading/${id}/${progress}`));
    told.catch(() => undefined);
  };
  return { onProgress, told: () => told };
};

/**
 * Streams the bytes and proves them; answers the id of the record that holds them. A record that a
 * dead copy left half filled is deleted and made again, since Glance takes the bytes in one piece.
 * @throws CopyCorrupted when what arrived is not what left
 */
export const copyImage = async (copy: ImageCopy): Promise<string> => {
  const { source, destination, sourceImageId, renew, tell } = copy;
  let id = copy.destinationImageId;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { onProgress, told } = progressTeller(copy, id);
      await relay(source, destination, { sourceImageId, destinationImageId: id, onProgress });
      await told();
      await tell('image uploaded', { id }, `uploaded/${id}`);
      return id;
    } catch (error) {
      const again = isError(error) && error.details.remedy === 'recreate';
      if (!again || attempt === ATTEMPTS) throw error;
      await destination.delete('image', `/v2/images/${id}`);
      id = await renew();
    }
  }
};
