/** Keypairs belong to users, not to projects. */
import { createHash } from 'node:crypto';
import type { Fields, Item } from '../model.ts';
import { page } from '../paging.ts';
import { pick, textOf } from '../reading.ts';
import { badRequest, conflict, forbidden, notFound } from '../refusal.ts';
import { accepted, type Call, created, noContent, ok, type Routes, under } from '../router.ts';

const SINCE = { type: 2, otherUser: 10, paging: 35, noGeneration: 92 };

/** MD5 over the key's bytes, with colons: Nova's fingerprint. Undefined when it is no public key. */
export function fingerprintOf(publicKey: string): string | undefined {
  const [kind = '', base64 = ''] = publicKey.trim().split(/\s+/);
  const bytes = Buffer.from(base64, 'base64');
  if (!kind.startsWith('ssh-') && !kind.startsWith('ecdsa-')) return undefined;
  if (bytes.subarray(4, 4 + kind.length).toString() !== kind) return undefined;
  const hex = createHash('md5').update(bytes).digest('hex');
  return (hex.match(/../g) ?? []).join(':');
}

/** Whose keys: the caller's own, or (admins, from 2.10) those of `user_id`. */
function userOf(call: Call, rule: string, asked = call.query.get('user_id')): string {
  if (!asked || call.version < SINCE.otherUser || asked === call.who.userId) return call.who.userId;
  if (!call.who.admin)
    throw forbidden(`Policy doesn't allow os_compute_api:os-keypairs:${rule} to be performed.`);
  return asked;
}

const shown = (call: Call, names: readonly string[]) => [
  ...names,
  ...(call.version >= SINCE.type ? ['type'] : []),
];

const NAMES = ['name', 'public_key', 'fingerprint'];
const FULL = [...NAMES, 'user_id', 'created_at', 'deleted', 'deleted_at', 'id', 'updated_at'];

const view = (call: Call, key: Item, names: readonly string[]): Fields => ({
  ...pick(key, shown(call, names)),
  ...(names.includes('id') ? { id: key.number } : {}),
});

function list(call: Call) {
  const user = userOf(call, 'index');
  const all = call.cloud.table('keypair').where((key) => key.user_id === user);
  const sorted = all.sort((a, b) => (textOf(a.name) < textOf(b.name) ? -1 : 1));
  const { items, next } = page(call, sorted, (key) => textOf(key.name), {
    unknownMarker: (marker) => badRequest(`Marker ${marker} not found.`),
    badLimit: (limit) => badRequest(`Invalid input for query parameters limit. Value: ${limit}.`),
  });
  const href = `${call.cloud.origin()}/compute/v2.1/os-keypairs?${next}`;
  return ok({
    keypairs: items.map((key) => ({ keypair: view(call, key, NAMES) })),
    ...(next && call.version >= SINCE.paging ? { keypairs_links: [{ rel: 'next', href }] } : {}),
  });
}

function create(call: Call) {
  const input = under(call, 'keypair');
  const name = textOf(input.name);
  const user = userOf(call, 'create', textOf(input.user_id) || null);
  if (!name) throw badRequest("Invalid input for field/attribute name. Value: . '' is too short");
  const publicKey = textOf(input.public_key);
  if (!publicKey)
    throw badRequest(
      `Invalid input for field/attribute keypair. Value: ${JSON.stringify(input)}. 'public_key' is a required property`,
    );
  const fingerprint = fingerprintOf(publicKey);
  if (!fingerprint) throw badRequest('Keypair data is invalid: failed to generate fingerprint');
  const id = `${user}/${name}`;
  const { cloud } = call;
  if (cloud.table('keypair').get(id)) throw conflict(`Key pair '${name}' already exists.`);
  const key = cloud.table('keypair').put({
    id,
    number: cloud.next('keypair'),
    type: textOf(input.type, 'ssh'),
    name,
    public_key: publicKey,
    fingerprint,
    user_id: user,
    created_at: cloud.stampMicros(),
    deleted: false,
    deleted_at: null,
    updated_at: null,
  });
  const body = { keypair: view(call, key, [...NAMES, 'user_id']) };
  return call.version >= SINCE.type ? created(body) : ok(body);
}

function keyOf(call: Call, rule: string): Item {
  const user = userOf(call, rule);
  const key = call.cloud.table('keypair').get(`${user}/${call.param('name')}`);
  if (!key) throw notFound(`Keypair ${call.param('name')} not found for user ${user}`);
  return key;
}

export const keypairRoutes: Routes = {
  'GET /os-keypairs': list,
  'POST /os-keypairs': create,
  'GET /os-keypairs/:name': (call) => ok({ keypair: view(call, keyOf(call, 'show'), FULL) }),
  'DELETE /os-keypairs/:name': (call) => {
    call.cloud.table('keypair').drop(keyOf(call, 'delete').id);
    return call.version >= SINCE.type ? noContent() : accepted();
  },
};
