/** How `GET /resources` is sent: compressed when that is accepted, not at all when it is known. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from './api.ts';

/** Bytes of a body as sent, above which a buffered Lambda (6 MB with all around it) is not asked to carry it. */
export const BUFFERED_LIMIT = 5_000_000;

const zip = promisify(gzip);

type Headers = Readonly<Record<string, string | undefined>>;

const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'private, no-cache',
  vary: 'accept-encoding',
};

/** True when the client takes gzip: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3 */
export const acceptsGzip = (headers: Headers): boolean =>
  (headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim().split(/\s*;\s*q\s*=\s*/))
    .some(([coding, quality]) => coding === 'gzip' && Number(quality ?? 1) > 0);

const matches = (headers: Headers, etag: string) =>
  (headers['if-none-match'] ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .some((tag) => tag === '*' || tag === etag);

/**
 * The JSON as a buffered answer, 304 when the client has it, `undefined` when it is too large for one.
 * The tag is strong: it names the bytes as they are sent.
 */
export const bodyAnswer = async (json: string, headers: Headers): Promise<Answer | undefined> => {
  const gzipped = acceptsGzip(headers);
  const hash = createHash('sha256').update(json).digest('base64url');
  const etag = gzipped ? `"${hash}-gzip"` : `"${hash}"`;
  if (matches(headers, etag)) return { statusCode: 304, headers: { ...HEADERS, etag } };
  const body = gzipped ? (await zip(json)).toString('base64') : json;
  if (Buffer.byteLength(body) > BUFFERED_LIMIT) return undefined;
  return {
    statusCode: 200,
    headers: { ...HEADERS, etag, ...(gzipped && { 'content-encoding': 'gzip' }) },
    body,
    isBase64Encoded: gzipped,
  };
};
