/** POST /reset: clears both clouds of what bears the prefix and populates the source, where that is enabled. */
import { resetClouds } from '../lib/commands/reset-clouds.ts';
import { api, created, ok } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ body, idempotencyKey }) => {
  const { id, answer } = await resetClouds(runtime(), { body, idempotencyKey });
  return id === undefined ? ok(answer) : created({ id, answer });
});
