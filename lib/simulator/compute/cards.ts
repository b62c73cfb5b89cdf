/**
 * The network interfaces of a new server: ports that it is given, or that Nova makes for it. As in Nova, a given
 * port is marked with its server only when the host takes it, some time after the answer.
 */
import type { Fields, Network } from '../model.ts';
import { makeOne } from '../network/collection.ts';
import { attachPort, PORTS } from '../network/ports.ts';
import { recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, forbidden, Refusal } from '../refusal.ts';
import type { Call } from '../router.ts';

export interface Cards {
  ports: string[];
  own: string[];
}

/** Networks that a project may boot on without naming one. */
const usable = (call: Call): Network[] =>
  call.cloud.networks.where(
    (one) =>
      (one.project_id === call.who.projectId || one.shared) && one['router:external'] !== true,
  );

function wishes(call: Call, input: Fields): Fields[] {
  const { networks } = input;
  if (networks === 'none') return [];
  if (Array.isArray(networks) && networks.length > 0) return networks.map((one) => recordOf(one));
  const all = usable(call);
  if (all.length > 1)
    throw conflict('Multiple possible networks found, use a Network ID to be more specific.');
  return all.map((one) => ({ uuid: one.id }));
}

function given(call: Call, id: string): string {
  const port = call.cloud.ports.get(id);
  if (!port || (!call.who.admin && port.project_id !== call.who.projectId))
    throw badRequest(`Port id ${id} could not be found.`);
  if (port.device_id) throw conflict(`Port ${id} is still in use.`);
  if (port.fixed_ips.length === 0)
    throw badRequest(`Port ${id} requires a FixedIP in order to be used.`);
  return id;
}

function made(call: Call, wish: Fields, serverId: string, groups: string[]): string {
  const network = call.cloud.networks.get(textOf(wish.uuid));
  const isMine = network && (network.shared || network.project_id === call.who.projectId);
  if (!network || !(isMine || call.who.admin || network['router:external']))
    throw badRequest(`Network ${textOf(wish.uuid)} could not be found.`);
  if (network['router:external'] && !call.who.admin && !network.shared)
    throw forbidden(`It is not allowed to create an interface on external network ${network.id}`);
  if (!call.cloud.subnets.find((one) => one.network_id === network.id))
    throw badRequest(`Network ${network.id} requires a subnet in order to boot instances on.`);
  try {
    const port = makeOne(call, PORTS, {
      network_id: network.id,
      project_id: call.who.projectId,
      ...(wish.fixed_ip ? { fixed_ips: [{ ip_address: wish.fixed_ip }] } : {}),
      ...(groups.length > 0 ? { security_groups: groups } : {}),
    });
    attachPort(call, port, { device_id: serverId });
    return port.id;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const message = error.type === 'OverQuota' ? 'Maximum number of ports exceeded' : error.message;
    throw new Refusal(error.type === 'OverQuota' ? 403 : 400, message);
  }
}

/** Checks every wish before the first port is touched. */
export function networkCards(call: Call, input: Fields, serverId: string, groups: string[]): Cards {
  const all = wishes(call, input);
  for (const wish of all) {
    const port = wish.port ? call.cloud.ports.get(textOf(wish.port)) : undefined;
    if (port?.device_id) throw conflict(`Port ${port.id} is still in use.`);
  }
  const own: string[] = [];
  const ports = all.map((wish) => {
    if (wish.port) return given(call, textOf(wish.port));
    const id = made(call, wish, serverId, groups);
    own.push(id);
    return id;
  });
  return { ports, own };
}
