/** Proves that the server at the destination is the one that was to arrive, by reading both back. */
import { getImage } from '../../resources/image.ts';
import { canonical } from '../../resources/resource-type.ts';
import { OPERATION_MARK, type Server, SOURCE_MARK } from '../../resources/server.ts';
import type { ServerMove } from './move.ts';
import { portsOf } from './ports.ts';

type Facts = Record<string, unknown>;

/** What has to be the same on both sides, whatever the ids. */
const factsOf = ({ flavor, metadata, addresses, ...server }: Server): Facts => {
  const { [SOURCE_MARK]: _source, [OPERATION_MARK]: _operation, ...own } = metadata;
  const { original_name, vcpus, ram, disk } = flavor;
  return {
    name: server.name,
    description: server.description ?? null,
    key_name: server.key_name ?? null,
    flavor: { original_name, vcpus, ram, disk },
    metadata: own,
    tags: [...(server.tags ?? [])].sort(),
    user_data: server['OS-EXT-SRV-ATTR:user_data'] ?? null,
    addresses: Object.fromEntries(
      Object.entries(addresses).map(([network, list]) => [network, list.map(addressOf).sort()]),
    ),
  };
};

const addressOf = (address: Server['addresses'][string][number]) =>
  `${address['OS-EXT-IPS-MAC:mac_addr'].toLowerCase()} ${address['OS-EXT-IPS:type']} ${address.addr}`;

/**
 * The floating addresses that Neutron has are what counts; Nova's own list of them lags behind
 * (nova/network/neutron.py, info cache), so they are left out of what is compared here.
 */
const withoutFloating = (server: Server): Server => ({
  ...server,
  addresses: Object.fromEntries(
    Object.entries(server.addresses).map(([network, list]) => [
      network,
      list.filter((address) => address['OS-EXT-IPS:type'] === 'fixed'),
    ]),
  ),
});

/** The names of the fields in which the servers differ; none means that it arrived. */
export const differencesBetween = async (
  move: ServerMove,
  mine: Server,
  theirs: Server,
): Promise<string[]> => {
  const [here, there] = [factsOf(withoutFloating(mine)), factsOf(withoutFloating(theirs))];
  const fields = Object.keys(here).filter((key) => canonical(here[key]) !== canonical(there[key]));
  if (mine.config_drive && !theirs.config_drive) fields.push('config_drive');
  if (theirs.tenant_id !== move.tenantId) fields.push('tenant_id');
  if (theirs.status !== 'ACTIVE') fields.push('status');
  const [before, after] = await Promise.all([
    portsOf(move.source, mine),
    portsOf(move.destination, theirs),
  ]);
  const expected = await Promise.all(before.map(({ id }) => move.counterpart('port', id)));
  if (canonical(expected) !== canonical(after.map(({ id }) => id))) fields.push('ports');
  if (move.input.strategy === 'snapshot') fields.push(...(await diskDifferences(move, theirs)));
  return fields;
};

/** The server has to run from the image that was copied, and the image has to be whole. */
const diskDifferences = async ({ destination, source, item }: ServerMove, { image }: Server) => {
  if (image === '' || image.id !== item.notes.copy) return ['image'];
  const [copy, snapshot] = await Promise.all([
    getImage(destination, image.id),
    getImage(source, String(item.notes.snapshot)),
  ]);
  return copy.status === 'active' && copy.size === snapshot.size ? [] : ['image bytes'];
};
