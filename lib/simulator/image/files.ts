/** The bytes of images: streamed in and out, hashed on the way, with ranges. */
import { type Digest, sizeOf } from '../bytes.ts';
import type { SimulatedCloud } from '../cloud.ts';
import type { Image, Segment } from '../model.ts';
import { textOf } from '../reading.ts';
import { conflict, forbidden, Refusal } from '../refusal.ts';
import { type Answer, type Call, noContent, type Routes } from '../router.ts';
import { changeable, imageOf } from './images.ts';

export const STREAMED = ['PUT /v2/images/:id/file'];

const QCOW2_MAGIC = 'QFI\xfb';

/** What the disk shows to a guest: the size itself for raw, the header's figure for qcow2. */
function virtualSize(format: string | null, digest: Digest): number | null {
  if (format === 'raw' || format === 'iso') return digest.size;
  const isQcow2 = digest.head.subarray(0, 4).toString('latin1') === QCOW2_MAGIC;
  return format === 'qcow2' && isQcow2 ? Number(digest.head.readBigUInt64BE(24)) : null;
}

/** Makes an image active with these bytes. */
export function fillImage(
  cloud: SimulatedCloud,
  image: Image,
  segments: Segment[],
  digest: Digest,
): Image {
  return cloud.images.put({
    ...image,
    status: 'active',
    size: digest.size,
    virtual_size: virtualSize(image.disk_format, digest),
    checksum: digest.md5,
    os_hash_algo: 'sha512',
    os_hash_value: digest.sha512,
    segments,
    updated_at: cloud.stamp(),
  });
}

async function upload(call: Call): Promise<Answer> {
  const image = changeable(call);
  const type = textOf(call.request.headers['content-type']);
  if (type !== 'application/octet-stream')
    throw new Refusal(415, `The request media type ${type} is not supported by this server.`);
  if (image.status !== 'queued')
    throw conflict(`Image status transition from ${image.status} to saving is not allowed`);
  call.cloud.images.put({ ...image, status: 'saving' });
  try {
    const { blob, ...digest } = await call.cloud.bytes.keep(call.request);
    const now = call.cloud.images.get(image.id);
    if (!now) throw new Refusal(410, `Image ${image.id} could not be found after upload.`);
    fillImage(call.cloud, now, [{ blob, bytes: digest.size }], digest);
  } catch (error) {
    const now = call.cloud.images.get(image.id);
    if (now) call.cloud.images.put({ ...now, status: 'queued' });
    throw error;
  }
  return { status: 204, headers: { 'Content-Type': 'text/html; charset=UTF-8' } };
}

/** First and last byte of a single range, or undefined for the whole. Several ranges are answered as the whole. */
export function rangeOf(header: string, size: number): { from: number; to: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (!first && !last) return undefined;
  const from = first ? Number(first) : Math.max(size - Number(last), 0);
  const to = first && last ? Math.min(Number(last), size - 1) : size - 1;
  if (from >= size || from > to)
    throw new Refusal(
      416,
      `The Range requested is not available. Invalid start position in Range header. Start position MUST be in the inclusive range [0, ${size - 1}].`,
    );
  return { from, to };
}

function download(call: Call): Answer {
  const image = imageOf(call);
  if (image.status === 'deactivated' && !call.who.admin)
    throw forbidden('The requested image has been deactivated. Image data download is forbidden.');
  if (image.status !== 'active' && image.status !== 'deactivated') return noContent();
  const size = sizeOf(image.segments);
  const range = rangeOf(textOf(call.request.headers.range), size);
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-MD5': textOf(image.checksum),
    ...(range ? { 'Content-Range': `bytes ${range.from}-${range.to}/${size}` } : {}),
  };
  const { from, to } = range ?? { from: 0, to: size - 1 };
  return { status: range ? 206 : 200, headers, bytes: { segments: image.segments, from, to } };
}

const setStatus = (status: string) => (call: Call) => {
  const image = changeable(call);
  if (image.status === 'queued' || image.status === 'saving')
    throw forbidden(
      `Not allowed to ${status === 'active' ? 'reactivate' : 'deactivate'} image in status '${image.status}'`,
    );
  call.cloud.images.put({ ...image, status });
  return noContent();
};

export const fileRoutes: Routes = {
  'PUT /v2/images/:id/file': upload,
  'GET /v2/images/:id/file': download,
  'POST /v2/images/:id/actions/deactivate': setStatus('deactivated'),
  'POST /v2/images/:id/actions/reactivate': setStatus('active'),
};
