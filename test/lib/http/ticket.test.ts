import { describe, expect, test } from 'vitest';
import { feedLocation, issueTicket, readTicket } from '../../../lib/http/ticket.ts';
import { testClock } from '../../support/clock.ts';

const KEY = 'the key of this test';
const now = new Date('2026-01-01T00:00:00.000Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

describe('a ticket', () => {
  test.each(['feed', 'resources', 'events:op-1', 'events:a/b?c=d e'] as const)(
    'for %s opens just that',
    (target) => {
      expect(readTicket(KEY, issueTicket(KEY, target, now), now)).toBe(target);
    },
  );

  test('opens for a minute and no longer', () => {
    const ticket = issueTicket(KEY, 'feed', now);
    expect(readTicket(KEY, ticket, later(59))).toBe('feed');
    expect(readTicket(KEY, ticket, later(60))).toBeUndefined();
  });

  test('signed with another key opens nothing', () => {
    expect(readTicket(KEY, issueTicket('another', 'feed', now), now)).toBeUndefined();
    expect(readTicket('', issueTicket('', 'feed', now), now)).toBeUndefined();
  });

  test('with any character changed opens nothing', () => {
    const ticket = issueTicket(KEY, 'events:op-1', now);
    for (let index = 0; index < ticket.length; index += 1) {
      const other = ticket[index] === 'A' ? 'B' : 'A';
      const changed = `${ticket.slice(0, index)}${other}${ticket.slice(index + 1)}`;
      expect(readTicket(KEY, changed, now)).toBeUndefined();
    }
  });

  test.each([undefined, '', '.', 'a.b', 'a.b.c', '....'])(
    'that is none (%s) opens nothing',
    (none) => {
      expect(readTicket(KEY, none, now)).toBeUndefined();
    },
  );

  test('stretched by a further part opens nothing', () => {
    expect(readTicket(KEY, `${issueTicket(KEY, 'feed', now)}.x`, now)).toBeUndefined();
  });
});

describe('the way to the feed', () => {
  const from = (feedUrl?: string) => ({
    config: feedUrl ? { feedUrl } : {},
    clock: testClock(),
    ticketKey: async () => KEY,
  });

  test('bears a ticket and the last event that the reader has', async () => {
    const url = new URL(await feedLocation(from('https://feed.example/'), 'events:op-1', '7'));
    expect(url.origin + url.pathname).toBe('https://feed.example/');
    expect(url.searchParams.get('last_event_id')).toBe('7');
    const ticket = url.searchParams.get('ticket') ?? undefined;
    expect(readTicket(KEY, ticket, testClock().now())).toBe('events:op-1');
  });

  test('is not guessed when nobody said where the feed is', async () => {
    await expect(feedLocation(from(), 'feed')).rejects.toThrow(/FEED_URL/);
  });
});
