/** The network cards of Ironic's nodes: by their MAC a node is known to be a machine of the room. */
import { createHash } from 'node:crypto';
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Item } from '../model.ts';
import { isTrue, textOf } from '../reading.ts';
import { badRequest, conflict } from '../refusal.ts';
import { type Call, created, ok, type Routes } from '../router.ts';

/** Locally administered, the same for a name in every run. */
export const macOf = (name: string): string => {
  const hash = createHash('md5').update(name).digest('hex');
  return `52:54:00:${hash.slice(0, 2)}:${hash.slice(2, 4)}:${hash.slice(4, 6)}`;
};

const ports = (cloud: SimulatedCloud) => cloud.table('baremetal-port');

export const putPort = (cloud: SimulatedCloud, node: string, address: string): Item =>
  ports(cloud).put({ id: cloud.newId(), address, node_uuid: node });

export function dropPorts(cloud: SimulatedCloud, node: string): void {
  for (const port of ports(cloud).where((one) => one.node_uuid === node))
    ports(cloud).drop(port.id);
}

const view = (call: Call, port: Item, isDetail: boolean): Fields => ({
  uuid: port.id,
  address: port.address,
  ...(isDetail ? { node_uuid: port.node_uuid, extra: {}, pxe_enabled: true } : {}),
  links: [{ rel: 'self', href: `${call.cloud.origin()}/baremetal/v1/ports/${port.id}` }],
});

function list(call: Call) {
  const address = call.query.get('address')?.toLowerCase();
  const node = call.query.get('node') ?? call.query.get('node_uuid');
  const fit = ports(call.cloud).where(
    (one) => (!address || one.address === address) && (!node || one.node_uuid === node),
  );
  const isDetail = call.path.endsWith('/detail') || isTrue(call.query.get('detail'));
  return ok({ ports: fit.map((one) => view(call, one, isDetail)) });
}

function make(call: Call) {
  const { cloud, body } = call;
  const address = textOf(body.address).toLowerCase();
  if (ports(cloud).find((one) => one.address === address))
    throw conflict(`A port with MAC address ${address} already exists.`);
  const node = cloud.nodes.get(textOf(body.node_uuid));
  if (!node) throw badRequest(`Node ${textOf(body.node_uuid)} could not be found.`);
  const machine = cloud.machines.find((one) => one.mac === address);
  if (machine) cloud.nodes.put({ ...node, machine: machine.id });
  return created(view(call, putPort(cloud, node.id, address), true));
}

export const portRoutes: Routes = {
  'GET /v1/ports': list,
  'GET /v1/ports/detail': list,
  'POST /v1/ports': make,
};
