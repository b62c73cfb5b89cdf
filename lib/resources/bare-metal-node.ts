/** A machine as Ironic knows it. */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { all } from './resource-type.ts';

/** https://docs.openstack.org/api-ref/baremetal/#show-node-details */
export interface BareMetalNode {
  uuid: string;
  name: string | null;
  provision_state: string;
  /** There while a change of state is on its way. */
  target_provision_state: string | null;
  power_state: string | null;
  target_power_state: string | null;
  provision_updated_at: string | null;
  updated_at: string | null;
  inspection_finished_at: string | null;
  /** The conductor that works on it. */
  reservation: string | null;
  last_error: string | null;
  maintenance: boolean;
  maintenance_reason: string | null;
  /** Why Ironic itself put it into maintenance. */
  fault: string | null;
  /** Of the server that Nova runs on it. */
  instance_uuid: string | null;
  extra: Record<string, unknown>;
}

/** What it takes to make a node known: https://docs.openstack.org/api-ref/baremetal/#create-node */
export interface Enrollment {
  name: string;
  driver: string;
  driver_info?: Record<string, unknown>;
  properties?: Record<string, unknown>;
  resource_class?: string;
}

interface Port {
  address: string;
  node_uuid: string;
}

const path = (uuid: string) => `/v1/nodes/${encodeURIComponent(uuid)}`;

/** By UUID or name; nothing when Ironic does not know it. */
export const findNode = async (cloud: Cloud, id: string): Promise<BareMetalNode | undefined> => {
  try {
    return await cloud.get<BareMetalNode>('baremetal', path(id));
  } catch (error) {
    if (isError(error, 'ResourceNotFound')) return undefined;
    throw error;
  }
};

const portsBy = (cloud: Cloud, address: string): Promise<Port[]> =>
  all(cloud.list<Port>('baremetal', '/v1/ports/detail', 'ports', { query: { address } }));

/** The node that has one of these network cards. @throws ResourceConflict when several have */
export const findNodeByMac = async (
  cloud: Cloud,
  macs: readonly string[],
): Promise<BareMetalNode | undefined> => {
  const ports = (await Promise.all(macs.map((mac) => portsBy(cloud, mac)))).flat();
  const uuids = [...new Set(ports.map(({ node_uuid }) => node_uuid))];
  if (uuids.length > 1) {
    const said = `The MAC addresses ${macs.join(', ')} are of ${uuids.length} nodes`;
    throw new PumphouseError('ResourceConflict', said);
  }
  return uuids[0] === undefined ? undefined : findNode(cloud, uuids[0]);
};

export const enrollNode = (cloud: Cloud, enrollment: Enrollment): Promise<BareMetalNode> =>
  cloud.post<BareMetalNode>('baremetal', '/v1/nodes', enrollment);

/** Makes the node known by these network cards. Idempotent. */
export const addPorts = async (
  cloud: Cloud,
  node_uuid: string,
  macs: readonly string[],
): Promise<void> => {
  for (const address of macs) {
    if ((await portsBy(cloud, address)).length > 0) continue;
    await cloud.post('baremetal', '/v1/ports', { node_uuid, address });
  }
};

/** Sets fields, each by its JSON pointer: https://www.rfc-editor.org/rfc/rfc6902 */
export const setFields = (cloud: Cloud, uuid: string, fields: Record<string, unknown>) =>
  cloud.patch(
    'baremetal',
    path(uuid),
    Object.entries(fields).map(([pointer, value]) => ({ op: 'add', path: pointer, value })),
  );

/** Asks for a change of the provision state, which Ironic makes in its own time. */
export const askState = (cloud: Cloud, uuid: string, target: string, more: object = {}) =>
  cloud.put('baremetal', `${path(uuid)}/states/provision`, { target, ...more });

export const askPower = (cloud: Cloud, uuid: string, target: 'power on' | 'power off') =>
  cloud.put('baremetal', `${path(uuid)}/states/power`, { target });

export const endMaintenance = (cloud: Cloud, uuid: string) =>
  cloud.delete('baremetal', `${path(uuid)}/maintenance`);
