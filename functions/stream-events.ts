/** The streaming Lambda URL: event streams and worlds too large to buffer, for whoever has a ticket. */
import { openTicket } from '../lib/http/open-ticket.ts';
import { ticketRefused } from '../lib/http/problem.ts';
import { streaming } from '../lib/http/streaming.ts';
import { readTicket } from '../lib/http/ticket.ts';
import { tableRuntime } from '../lib/table-runtime.ts';

export const handler = streaming(async ({ headers, queryStringParameters, rawPath }, gone) => {
  const { ticket, last_event_id } = queryStringParameters ?? {};
  const { clock, ticketKey } = tableRuntime();
  const target = readTicket(await ticketKey(), ticket, clock.now());
  if (!target) {
    const { body, ...refusal } = ticketRefused(rawPath);
    return { ...refusal, body: [body] };
  }
  return openTicket(tableRuntime(), target, headers['last-event-id'] ?? last_event_id, gone);
});
