/** Images: their description. The bytes are in `files.ts`. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Image } from '../model.ts';
import { page, sorted } from '../paging.ts';
import { isTrue, listOf, numberOf, omit, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, forbidden, notFound } from '../refusal.ts';
import { type Call, created, noContent, ok, type Routes } from '../router.ts';

const DISK_FORMATS = [
  ...['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
];
const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
const VISIBILITIES = ['community', 'public', 'private', 'shared'];

const READ_ONLY = [
  ...['size', 'virtual_size', 'status', 'checksum', 'os_hash_algo', 'os_hash_value'],
  ...['created_at', 'updated_at', 'self', 'file', 'schema', 'stores', 'direct_url', 'locations'],
];
const BASE = [
  ...['name', 'disk_format', 'container_format', 'visibility', 'size', 'virtual_size', 'status'],
  ...['checksum', 'protected', 'min_ram', 'min_disk', 'owner', 'os_hidden', 'os_hash_algo'],
  ...['os_hash_value', 'id', 'created_at', 'updated_at', 'tags'],
];
const SETTABLE = BASE.filter((name) => !READ_ONLY.includes(name));

/** Owner, public, community, or a member of a shared image. */
export function maySee(call: Call, image: Image): boolean {
  if (call.who.admin || image.owner === call.who.projectId) return true;
  if (image.visibility === 'public' || image.visibility === 'community') return true;
  return image.visibility === 'shared' && membership(call, image) !== undefined;
}

export const membership = (call: Call, image: Image) =>
  call.cloud.table('image-member').get(`${image.id}/${call.who.projectId}`);

export function imageOf(call: Call, id = call.param('id')): Image {
  const image = call.cloud.images.get(id);
  if (!image || !maySee(call, image)) throw notFound(`No image found with ID ${id}`);
  return image;
}

/** The image, for whoever may change it: 404 for strangers, 403 for those who may only look. */
export function changeable(call: Call): Image {
  const image = imageOf(call);
  if (!call.who.admin && image.owner !== call.who.projectId)
    throw forbidden('You are not authorized to complete modify_image action.');
  return image;
}

export function imageView(image: Image): Fields {
  const base = Object.fromEntries(BASE.map((name) => [name, image[name] ?? null]));
  return {
    ...image.properties,
    ...base,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
    ...(image.status === 'active' ? { stores: 'primary' } : {}),
  };
}

/** A queued image without bytes. Nova makes its snapshots with it, too. */
export function newImage(cloud: SimulatedCloud, fields: Fields): Image {
  const now = cloud.stamp();
  const known = Object.fromEntries(SETTABLE.map((name) => [name, fields[name]]));
  return cloud.images.put({
    ...known,
    id: textOf(fields.id) || cloud.newId(),
    name: (fields.name as string | undefined) ?? null,
    owner: textOf(fields.owner),
    visibility: textOf(fields.visibility, 'shared'),
    disk_format: (fields.disk_format as string | undefined) ?? null,
    container_format: (fields.container_format as string | undefined) ?? null,
    protected: isTrue(fields.protected),
    os_hidden: isTrue(fields.os_hidden),
    min_disk: numberOf(fields.min_disk),
    min_ram: numberOf(fields.min_ram),
    status: 'queued',
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    tags: listOf(fields.tags).map((tag) => textOf(tag)),
    properties: omit(fields, [...BASE, ...READ_ONLY]),
    segments: [],
    created_at: now,
    updated_at: now,
  });
}

function check(call: Call, fields: Fields): void {
  for (const name of Object.keys(fields))
    if (READ_ONLY.includes(name)) throw forbidden(`Attribute '${name}' is read-only.`);
  const oneOf = (name: string, values: readonly string[]) => {
    const value = fields[name];
    if (value !== undefined && value !== null && !values.includes(textOf(value)))
      throw badRequest(
        `Provided object does not match schema 'image': '${textOf(value)}' is not one of [${values.map((one) => `'${one}'`).join(', ')}]`,
      );
  };
  oneOf('disk_format', DISK_FORMATS);
  oneOf('container_format', CONTAINER_FORMATS);
  oneOf('visibility', VISIBILITIES);
  for (const name of ['min_disk', 'min_ram'])
    if (fields[name] !== undefined && numberOf(fields[name], -1) < 0)
      throw badRequest(`Provided object does not match schema 'image': ${name} is invalid.`);
  if (call.who.admin) return;
  if (fields.visibility === 'public')
    throw forbidden('You are not authorized to complete publicize_image action.');
  if (fields.owner !== undefined && fields.owner !== call.who.projectId)
    throw forbidden(`You are not permitted to create images owned by '${textOf(fields.owner)}'.`);
}

function create(call: Call) {
  check(call, call.body);
  const id = textOf(call.body.id);
  if (id && !/^[0-9a-f-]{36}$/i.test(id))
    throw badRequest(`Provided object does not match schema 'image': '${id}' does not match.`);
  if (id && call.cloud.images.get(id)) throw conflict(`Image ID ${id} already exists!`);
  const image = newImage(call.cloud, { owner: call.who.projectId, ...call.body });
  return created(imageView(image), {
    Location: `${call.cloud.origin()}/image/v2/images/${image.id}`,
  });
}

const SPECIAL = ['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'member_status', 'tag'];

function fits(call: Call, image: Image): boolean {
  const { query } = call;
  const view = imageView(image);
  const wanted = query.get('visibility');
  if (!wanted && !call.who.admin && image.visibility === 'community')
    if (image.owner !== call.who.projectId) return false;
  const status = query.get('member_status') ?? 'accepted';
  const member = membership(call, image);
  const foreign = !call.who.admin && image.owner !== call.who.projectId;
  if (foreign && image.visibility === 'shared' && status !== 'all' && member?.status !== status)
    return false;
  if (image.os_hidden !== isTrue(query.get('os_hidden'))) return false;
  if (!query.getAll('tag').every((tag) => image.tags.includes(tag))) return false;
  return [...query].every(([name, value]) => {
    if (SPECIAL.includes(name) || name === 'os_hidden') return true;
    if (name === 'visibility' && value === 'all') return true;
    if (name === 'size_min') return (image.size ?? 0) >= Number(value);
    if (name === 'size_max') return (image.size ?? 0) <= Number(value);
    const own = view[name];
    if (typeof own === 'boolean') return own === isTrue(value);
    if (value.startsWith('in:')) return value.slice(3).split(',').includes(textOf(own));
    return textOf(own) === value;
  });
}

function list(call: Call) {
  const visible = call.cloud.images
    .all()
    .reverse()
    .filter((image) => maySee(call, image) && fits(call, image));
  const order = sorted(call, visible, (image, key) => imageView(image)[key]);
  const { items, next } = page(call, order, (image) => image.id, {
    unknownMarker: (marker) => badRequest(`No image found with ID ${marker}`),
    badLimit: () => badRequest('limit param must be an integer'),
    usual: 25,
  });
  const first = new URLSearchParams(call.query);
  first.delete('marker');
  return ok({
    images: items.map(imageView),
    first: `/v2/images${first.size > 0 ? `?${first}` : ''}`,
    schema: '/v2/schemas/images',
    ...(next ? { next: `/v2/images?${next}` } : {}),
  });
}

/** Applies a JSON patch of the three operations that Glance takes, at depth one. */
function patch(call: Call) {
  const image = structuredClone(changeable(call));
  for (const entry of listOf(call.body.list)) {
    const { op, path, value } = recordOf(entry);
    const name = textOf(path).slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
    if (!['add', 'replace', 'remove'].includes(textOf(op)))
      throw badRequest(`Unable to find '${textOf(op)}' in JSON Schema change`);
    check(call, { [name]: value });
    if (name === 'id') throw forbidden("Attribute 'id' is read-only.");
    if (SETTABLE.includes(name)) {
      if (op === 'remove') throw forbidden(`Property ${name} may not be removed.`);
      Object.assign(image, { [name]: value });
    } else {
      if (op !== 'add' && !(name in image.properties))
        throw conflict(`Property ${name} does not exist.`);
      image.properties = omit(image.properties, [name]);
      if (op !== 'remove') image.properties[name] = value;
    }
  }
  image.updated_at = call.cloud.stamp();
  return ok(imageView(call.cloud.images.put(image)));
}

/** Removes the files that nothing refers to any more: not an image, not a disk, not a volume. */
export function sweepBytes(cloud: SimulatedCloud): void {
  const segments = [
    ...cloud.images.all().flatMap((image) => image.segments),
    ...cloud.servers.all().flatMap((server) => server.disk),
    ...cloud.volumes.all().flatMap((volume) => volume.segments),
  ];
  cloud.bytes.sweep(new Set(segments.flatMap((one) => ('blob' in one ? [one.blob] : []))));
}

function remove(call: Call) {
  const found = call.cloud.images.get(call.param('id'));
  if (!found || !maySee(call, found))
    throw notFound(`Failed to find image ${call.param('id')} to delete`);
  const image = changeable(call);
  if (image.protected) throw forbidden(`Image ${image.id} is protected and cannot be deleted.`);
  call.cloud.images.drop(image.id);
  for (const member of call.cloud.table('image-member').where((one) => one.image_id === image.id))
    call.cloud.table('image-member').drop(member.id);
  sweepBytes(call.cloud);
  return noContent();
}

function setTags(change: (tags: string[], tag: string) => string[]) {
  return (call: Call) => {
    const image = changeable(call);
    image.tags = change(image.tags, call.param('tag'));
    call.cloud.images.put(image);
    return noContent();
  };
}

export const imageRoutes: Routes = {
  'GET /v2/images': list,
  'POST /v2/images': create,
  'GET /v2/images/:id': (call) => ok(imageView(imageOf(call))),
  'PATCH /v2/images/:id': patch,
  'DELETE /v2/images/:id': remove,
  'PUT /v2/images/:id/tags/:tag': setTags((tags, tag) => [...new Set([...tags, tag])]),
  'DELETE /v2/images/:id/tags/:tag': setTags((tags, tag) => tags.filter((one) => one !== tag)),
};
