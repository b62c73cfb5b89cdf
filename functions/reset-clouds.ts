/** POST /reset: brings both clouds back to their seeded state, where that is enabled. */
import { resetClouds } from '../lib/commands/reset-clouds.ts';
import { api, created } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ body, idempotencyKey }) =>
  created(await resetClouds(runtime(), { body, idempotencyKey })),
);
