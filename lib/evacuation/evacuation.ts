/**
 * Evacuation empties a **living** host by live migration, so that it can be worked on. Not Nova's own
 * `evacuate`, which rebuilds the servers of a host that is dead (ADR 0006).
 */
import type { EvacuationInput } from '../domain/operation.ts';
import { getOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import type { Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';

export interface Evacuation {
  operation: string;
  /** The host's name, which is its id. */
  host: string;
  source: Cloud;
  input: EvacuationInput;
  /** True once somebody has asked for it to stop: nothing new is begun. */
  cancelled: boolean;
  /** True once its last event is told: nothing may be touched any more. */
  ended: boolean;
}

/** @throws ResourceNotFound when there is no such operation */
export const openEvacuation = async (runtime: Runtime, operation: string): Promise<Evacuation> => {
  const known = await getOperation(runtime, operation);
  const { source } = await runtime.clouds();
  return {
    ...{ operation, host: known.subject.id, source },
    input: known.input as unknown as EvacuationInput,
    cancelled: known.cancelledAt !== undefined,
    ended: known.state === 'ended',
  };
};

export const hostOf = (server: Server) => server['OS-EXT-SRV-ATTR:host'] ?? '';

/** The servers of a host: of exactly this name, of all tenants, without those being deleted. */
export const serversOn = async ({
  source,
  host,
}: Pick<Evacuation, 'source' | 'host'>): Promise<Server[]> => {
  const query = { all_tenants: true, host };
  const servers: Server[] = [];
  for await (const one of source.list<Server>('compute', '/servers/detail', 'servers', { query })) {
    if (hostOf(one) === host && one['OS-EXT-STS:task_state'] !== 'deleting') servers.push(one);
  }
  return servers;
};
