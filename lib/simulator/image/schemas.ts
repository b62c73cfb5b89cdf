/** What Glance tells about itself: as much as its command line client asks. */
import { ok, type Routes } from '../router.ts';

const TEXT = { type: 'string' };
const NAMES = ['id', 'name', 'status', 'visibility', 'owner', 'checksum', 'disk_format'];

const schema = {
  name: 'image',
  properties: Object.fromEntries(NAMES.map((name) => [name, TEXT])),
  additionalProperties: TEXT,
};

export const schemaRoutes: Routes = {
  'GET /v2/schemas/image': () => ok(schema),
  'GET /v2/schemas/images': () =>
    ok({ name: 'images', properties: { images: { type: 'array', items: schema } } }),
  'GET /v2/info/import': () =>
    ok({
      'import-methods': { description: 'Import methods available.', type: 'array', value: [] },
    }),
  'GET /v2/info/stores': () => ok({ stores: [{ id: 'primary', default: 'true' }] }),
};
