import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { acceptsGzip, BUFFERED_LIMIT, bodyAnswer } from '../../../lib/http/world-body.ts';

const JSON_TEXT = JSON.stringify({ name: 'world', text: 'x'.repeat(1000) });
const GZIP = { 'accept-encoding': 'gzip, deflate, br' };

const header = (answer: Awaited<ReturnType<typeof bodyAnswer>>, name: string) =>
  answer?.headers?.[name];

describe('the body of the world', () => {
  test('is plain JSON for who accepts nothing else', async () => {
    const answer = await bodyAnswer(JSON_TEXT, {});
    expect(answer).toMatchObject({ statusCode: 200, body: JSON_TEXT, isBase64Encoded: false });
    expect(header(answer, 'content-type')).toBe('application/json');
    expect(header(answer, 'content-encoding')).toBeUndefined();
    expect(header(answer, 'vary')).toBe('accept-encoding');
  });

  test('is compressed for who accepts gzip', async () => {
    const answer = await bodyAnswer(JSON_TEXT, GZIP);
    expect(header(answer, 'content-encoding')).toBe('gzip');
    expect(answer?.isBase64Encoded).toBe(true);
    expect(gunzipSync(Buffer.from(answer?.body ?? '', 'base64')).toString()).toBe(JSON_TEXT);
  });

  test.each([
    ['gzip', true],
    ['br, GZIP ; q=0.5', true],
    ['gzip;q=0', false],
    ['br', false],
    ['xgzip', false],
    [undefined, false],
  ])('asked for with accept-encoding %s is compressed: %s', (accepted, expected) => {
    expect(acceptsGzip({ 'accept-encoding': accepted })).toBe(expected);
  });

  test('has a strong tag that names the bytes as they are sent', async () => {
    const plain = header(await bodyAnswer(JSON_TEXT, {}), 'etag');
    const gzipped = header(await bodyAnswer(JSON_TEXT, GZIP), 'etag');
    expect(plain).toMatch(/^"[\w-]{43}"$/);
    expect(gzipped).not.toBe(plain);
    expect(header(await bodyAnswer(JSON_TEXT, {}), 'etag')).toBe(plain);
    expect(header(await bodyAnswer(`${JSON_TEXT} `, {}), 'etag')).not.toBe(plain);
  });

  test('is not sent to who has it', async () => {
    for (const accepted of [{}, GZIP]) {
      const etag = String(header(await bodyAnswer(JSON_TEXT, accepted), 'etag'));
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const answer = await bodyAnswer(JSON_TEXT, { ...accepted, 'if-none-match': known });
        expect(answer).toMatchObject({ statusCode: 304, headers: { etag } });
        expect(answer).not.toHaveProperty('body');
      }
      const answer = await bodyAnswer(JSON_TEXT, { ...accepted, 'if-none-match': '"other"' });
      expect(answer?.statusCode).toBe(200);
    }
  });

  test('above what a buffered answer carries is left to the stream, compressed or not', async () => {
    const large = JSON.stringify('x'.repeat(BUFFERED_LIMIT));
    expect(await bodyAnswer(large, {})).toBeUndefined();
    expect((await bodyAnswer(large, GZIP))?.statusCode).toBe(200);
  });
});
