/**
 * Tickets to the streaming Lambda URL, which is open to the internet: the API hands one out to whom
 * it let in, and the URL serves nothing without one. They are short-lived, since they stand in a URL.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Clock } from '../ports.ts';

/** What a ticket opens: one operation's stream, the feed of all, or the world. */
export type TicketTarget = `events:${string}` | 'feed' | 'resources';

const LIFETIME_SECONDS = 60;

const sign = (key: string, claim: string) =>
  createHmac('sha256', key).update(claim).digest('base64url');

const equal = (one: string, other: string) => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};

const isTarget = (value: unknown): value is TicketTarget =>
  value === 'feed' ||
  value === 'resources' ||
  (typeof value === 'string' && /^events:./.test(value));

/** A ticket for one minute from `now`. */
export const issueTicket = (key: string, target: TicketTarget, now: Date): string => {
  const expires = now.getTime() + LIFETIME_SECONDS * 1000;
  const claim = Buffer.from(JSON.stringify({ target, expires })).toString('base64url');
  return `${claim}.${sign(key, claim)}`;
};

/** What the ticket opens; `undefined` when it is not ours, is older than a minute, or is none at all. */
export const readTicket = (
  key: string,
  ticket: string | undefined,
  now: Date,
): TicketTarget | undefined => {
  const [claim = '', signature = '', ...rest] = (ticket ?? '').split('.');
  if (rest.length > 0 || !key || !equal(signature, sign(key, claim))) return undefined;
  const { target, expires } = JSON.parse(Buffer.from(claim, 'base64url').toString());
  return isTarget(target) && now.getTime() < expires ? target : undefined;
};

/** Where the streaming Lambda URL serves what a new ticket opens. */
export const feedLocation = async (
  {
    config,
    clock,
    ticketKey,
  }: { config: Pick<Config, 'feedUrl'>; clock: Clock; ticketKey(): Promise<string> },
  target: TicketTarget,
  lastEventId?: string,
): Promise<string> => {
  if (!config.feedUrl) throw new Error('The environment variable FEED_URL is missing');
  const url = new URL(config.feedUrl);
  url.searchParams.set('ticket', issueTicket(await ticketKey(), target, clock.now()));
  if (lastEventId) url.searchParams.set('last_event_id', lastEventId);
  return url.href;
};
