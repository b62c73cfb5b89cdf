/** Boots the server at the destination, exactly once: Nova has no token by which a lost answer is known. */
import { isError, PumphouseError } from '../../domain/errors.ts';
import type { Intent } from '../../domain/plan.ts';
import { getKeypair } from '../../resources/keypair.ts';
import { all } from '../../resources/resource-type.ts';
import { getServer, OPERATION_MARK, type Server, SOURCE_MARK } from '../../resources/server.ts';
import type { Runtime } from '../../runtime.ts';
import type { ServerMove } from './move.ts';
import { portsOf } from './ports.ts';
import { isBusy } from './states.ts';

/** Seconds in which a server boots, the scheduler's queue and the image's way to the host included. */
const BOOT_SECONDS = 3600;

/** The server that this operation booted before, if it did: told by its marks. */
export const findBooted = async ({ destination, tenantId, item }: ServerMove) => {
  const query = { all_tenants: true, project_id: tenantId };
  const servers = destination.list<Server>('compute', '/servers/detail', 'servers', { query });
  return (await all(servers)).find(
    ({ metadata }) =>
      metadata[SOURCE_MARK] === item.id && metadata[OPERATION_MARK] === item.operation,
  );
};

/** The image to boot from: the copied snapshot, or the counterpart of the one it was booted from. */
const imageOf = async ({ item, input, counterpart }: ServerMove, source: Server) => {
  if (input.strategy === 'snapshot') return String(item.notes.copy);
  return counterpart('image', source.image === '' ? '' : source.image.id);
};

const bootRequest = async (move: ServerMove, source: Server) => {
  const { item, counterpart } = move;
  const ports = await portsOf(move.source, source);
  const reserved = ports.map(async ({ id }) => ({ port: await counterpart('port', id) }));
  const userData = source['OS-EXT-SRV-ATTR:user_data'];
  return {
    server: {
      name: source.name,
      imageRef: await imageOf(move, source),
      flavorRef: await counterpart('flavor', source.flavor.original_name),
      networks: ports.length > 0 ? await Promise.all(reserved) : 'none',
      metadata: {
        ...source.metadata,
        [SOURCE_MARK]: item.id,
        [OPERATION_MARK]: item.operation,
      },
      ...(source.key_name && { key_name: source.key_name }),
      ...(source.description && { description: source.description }),
      ...(source.tags && source.tags.length > 0 && { tags: source.tags }),
      ...(source.config_drive && { config_drive: true }),
      ...(userData && { user_data: userData }),
      ...hostname(source),
    },
  };
};

/** Nova makes it of the name by itself; only one that was chosen has to be said. @see microversion 2.90 */
const hostname = ({ name, ...source }: Server) => {
  const chosen = source['OS-EXT-SRV-ATTR:hostname'];
  const derived = name.toLowerCase().replace(/[^a-z0-9-]+/g, '-');
  return chosen && chosen !== derived ? { hostname: chosen } : {};
};

/**
 * Nova looks a key up under the user who boots, which is ours: so ours bears a copy of the public key
 * meanwhile. One that it had before, and that is the same, is used and left.
 * @throws ResourceConflict when our user has another key of that name
 */
export const lendKey = async (move: ServerMove, source: Server): Promise<void> => {
  const { tenantScope, note } = move;
  if (!source.key_name) return;
  const theirs = await getKeypair(move.source, source.key_name, source.user_id);
  try {
    const { fingerprint } = await getKeypair(tenantScope, source.key_name);
    if (fingerprint === theirs.fingerprint) return;
    const said = `Our user at the destination has another key named ${source.key_name}`;
    throw new PumphouseError('ResourceConflict', said);
  } catch (error) {
    if (!isError(error, 'ResourceNotFound')) throw error;
  }
  await note({ key: source.key_name });
  const { name, public_key, type } = theirs;
  await tenantScope.post('compute', '/os-keypairs', { keypair: { name, public_key, type } });
};

const keyLock = (name: string) => `keypair#destination#${name}`;

/**
 * Takes back the copy of the key, if this server's boot made one, and lets the name go. Nova has read
 * the key by the time it answers the request, so other servers with the same key need not wait longer.
 */
export const returnKey = async (
  { operations }: Pick<Runtime, 'operations'>,
  { item, tenantScope, note }: ServerMove,
  name: string | null,
): Promise<void> => {
  if (item.notes.key) {
    const path = `/os-keypairs/${encodeURIComponent(String(item.notes.key))}`;
    await tenantScope.delete('compute', path);
    await note({ key: '' });
  }
  if (name) await operations.unlock(`${item.operation}/${item.id}`, keyLock(name));
};

const request = async (runtime: Runtime, move: ServerMove, intent: Intent, source: Server) => {
  const { item, tenantScope, until } = move;
  const { key_name: key } = source;
  if (key) {
    const mine = () => runtime.operations.lock(`${item.operation}/${item.id}`, keyLock(key));
    const taken = async () => (await mine()) || undefined;
    await until(intent, `the key name ${key} to be free`, BOOT_SECONDS, taken);
    await lendKey(move, source);
  }
  const body = await bootRequest(move, source);
  const { server } = await tenantScope.post<{ server: Server }>('compute', '/servers', body);
  return server;
};

/**
 * Boots the server on its reserved ports, from the image that was copied, and watches until it is
 * ACTIVE. Idempotent: a server that an earlier attempt booted is found by its marks.
 * @throws ResourceFailed when Nova cannot boot it; the message is Nova's fault text
 * @see https://docs.openstack.org/api-ref/compute/#create-server
 */
export const boot = async (runtime: Runtime, move: ServerMove, intent: Intent): Promise<Server> => {
  const { destination, item, note, until } = move;
  const source = await getServer(move.source, item.id);
  const known = item.notes.booted ? { id: String(item.notes.booted) } : await findBooted(move);
  const { id } = known ?? (await request(runtime, move, intent, source));
  await note({ booted: id });
  await returnKey(runtime, move, source.key_name);
  const what = `server ${source.name} to boot`;
  return until(intent, what, BOOT_SECONDS, async () => {
    const booting = await getServer(destination, id);
    if (booting.status === 'ERROR') {
      const fault = booting.fault?.message ?? 'without a word why';
      throw new PumphouseError('ResourceFailed', `Server ${source.name} did not boot: ${fault}`);
    }
    return isBusy(booting) || booting.status === 'BUILD' ? undefined : booting;
  });
};
