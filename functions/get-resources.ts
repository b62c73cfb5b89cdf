/** GET /resources: what both clouds hold, as it stands in the table. */
import { api, redirect } from '../lib/http/api.ts';
import { readWorld } from '../lib/http/read-world.ts';
import { readPage, worldAnswer } from '../lib/http/resources.ts';
import { feedLocation } from '../lib/http/ticket.ts';
import { bodyAnswer } from '../lib/http/world-body.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = api(async ({ query, headers }) => {
  const page = readPage(query);
  const json = JSON.stringify(worldAnswer(await readWorld(tableRuntime()), page));
  const answer = await bodyAnswer(json, headers);
  return answer ?? redirect(await feedLocation(tableRuntime(), 'resources'));
});
