import type { Image } from '../resources/image.ts';
import type { Server } from '../resources/server.ts';

/** What one copy through the relay may take. */
export interface CopyLimit {
  /** MiB per second. */
  rate: number;
  seconds: number;
}

const MIB = 1024 ** 2;

/**
 * Why an object's bytes cannot pass through the relay within one Lambda's life, if so. A snapshot may
 * grow to the whole disk of its server, so that is what counts (decision 3.12).
 */
export const tooLarge = (type: string, body: unknown, limit: CopyLimit): string | undefined => {
  const most = limit.rate * limit.seconds;
  const mib =
    type === 'server'
      ? (body as Server).flavor.disk * 1024
      : type === 'image'
        ? ((body as Image).size ?? 0) / MIB
        : 0;
  if (mib <= most) return undefined;
  const gib = (value: number) => `${(value / 1024).toFixed(1)} GiB`;
  return `its ${gib(mib)} do not pass through the relay, which carries ${gib(most)} a copy`;
};
