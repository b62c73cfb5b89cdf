/** A server's floating addresses on their way: released in the source, taken at the destination, or back. */
import type { Intent } from '../../domain/plan.ts';
import { associate, floatingIpsOf } from '../../resources/floating-ip.ts';
import { getServer } from '../../resources/server.ts';
import type { ServerMove } from './move.ts';
import { portsOf } from './ports.ts';

/** What is remembered of an address before it is released: its source port and fixed address. */
interface Seat {
  address: string;
  port: string;
  fixedIp: string;
}

const NOTE = 'floating ';

/** Addresses are noted before the first of them is released: the source forgets where they sat. */
const seatsOf = ({ item }: ServerMove): Seat[] =>
  Object.entries(item.notes)
    .filter(([key]) => key.startsWith(NOTE))
    .map(([key, value]) => {
      const [port = '', fixedIp = ''] = String(value).split(' ');
      return { address: key.slice(NOTE.length), port, fixedIp };
    });

/** Notes where each address sits and takes it off the source server. Safe to repeat. */
export const releaseAddresses = async (move: ServerMove, intent: Intent): Promise<void> => {
  const { source, item, note, tell } = move;
  if (!item.notes.addresses) {
    const ports = await portsOf(source, await getServer(source, item.id));
    const floating = await floatingIpsOf(
      source,
      ports.map(({ id }) => id),
    );
    const seats = floating.map(({ floating_ip_address, port_id, fixed_ip_address }) => [
      `${NOTE}${floating_ip_address}`,
      `${port_id} ${fixed_ip_address}`,
    ]);
    await note({ ...Object.fromEntries(seats), addresses: floating.length || 'none' });
  }
  for (const { address } of seatsOf(move)) {
    await associate(source, address, null);
    const data = { id: address, server_id: item.id, cloud: 'source' };
    await tell(intent, 'floating_ip released', data, `released ${address}`);
  }
};

/** Gives each address to the server at the destination. Safe to repeat. */
export const takeAddresses = async (move: ServerMove, intent: Intent): Promise<void> => {
  const { destination, item, counterpart, tell } = move;
  for (const { address, port, fixedIp } of seatsOf(move)) {
    await associate(destination, address, await counterpart('port', port), fixedIp);
    const data = { id: address, server_id: item.notes.booted, cloud: 'destination' };
    await tell(intent, 'floating_ip assigned', data, `assigned ${address}`);
  }
};

/** The undo: takes each address off the destination, then gives it back to its place in the source. */
export const returnAddresses = async (move: ServerMove, intent: Intent): Promise<void> => {
  const { source, destination, item, tell } = move;
  for (const { address, port, fixedIp } of seatsOf(move)) {
    await associate(destination, address, null);
    await associate(source, address, port, fixedIp);
    const data = { id: address, server_id: item.id, cloud: 'source' };
    await tell(intent, 'floating_ip assigned', data, `returned ${address}`);
  }
};
