/** Waiting for a cloud, which answers before it has done what it was asked for. */

/** Seconds between two looks, and how many looks there are. */
const EVERY = 1;
const LOOKS = 600;

export const pause = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Looks again and again until `probe` answers true; it throws when that can never be. */
export const until = async (what: string, probe: () => Promise<boolean>): Promise<void> => {
  for (let look = 0; look < LOOKS; look += 1) {
    if (await probe()) return;
    await pause(EVERY);
  }
  throw new Error(`waited in vain for ${what}`);
};
