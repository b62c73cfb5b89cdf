/** GET /events and GET /events/{event_id}: a ticket to the feed, or to one operation's stream. */
import { PumphouseError } from '../lib/domain/errors.ts';
import { api, redirect } from '../lib/http/api.ts';
import { feedLocation } from '../lib/http/ticket.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

const exists = async (id: string) => {
  const { operations } = tableRuntime();
  // One that has only just begun may stand among the running ones alone.
  return (
    (await operations.get(id)) !== undefined ||
    (await operations.running()).some((operation) => operation.id === id)
  );
};

export const handler = api(async ({ parameter, query, headers }) => {
  const id = parameter('event_id');
  if (id && !(await exists(id))) {
    throw new PumphouseError('ResourceNotFound', `There is no event stream ${id}`);
  }
  const lastEventId = headers['last-event-id'] ?? query.last_event_id;
  return redirect(await feedLocation(tableRuntime(), id ? `events:${id}` : 'feed', lastEventId));
});
