/** A server's states, and how it is asked to take one and seen to have taken it. */
import { isError, PumphouseError } from '../../domain/errors.ts';
import type { Intent } from '../../domain/plan.ts';
import type { Cloud } from '../../ports.ts';
import { getServer, type Server } from '../../resources/server.ts';
import type { ServerMove } from './move.ts';

/** Seconds within which Nova suspends, stops, pauses, resumes, starts or deletes a server. */
export const STATE_SECONDS = 900;

/** The action that leads from ACTIVE to a state, and the one that leads back. */
export const ACTIONS: Readonly<Record<string, { take: string; leave: string }>> = {
  SUSPENDED: { take: 'suspend', leave: 'resume' },
  SHUTOFF: { take: 'os-stop', leave: 'os-start' },
  PAUSED: { take: 'pause', leave: 'unpause' },
};

export const isBusy = (server: Server) => server['OS-EXT-STS:task_state'] !== null;

export const act = (cloud: Cloud, id: string, action: string) =>
  cloud.post('compute', `/servers/${id}/action`, { [action]: null });

/**
 * Brings a server from one state to another by an action, and watches until it is there.
 * Idempotent: one that is there already, or on its way, is not asked again.
 * @throws ResourceFailed when it ends anywhere else
 */
export const bring = async (
  move: Pick<ServerMove, 'until'>,
  intent: Intent,
  what: { cloud: Cloud; id: string; from: string; to: string; action: string },
): Promise<Server> => {
  const { cloud, id, from, to, action } = what;
  const first = await getServer(cloud, id);
  let asked = false;
  if (first.status === from && !isBusy(first)) {
    await act(cloud, id, action);
    asked = true;
  }
  return move.until(intent, `server ${first.name} to be ${to}`, STATE_SECONDS, async () => {
    const server = await getServer(cloud, id);
    if (isBusy(server)) return undefined;
    if (server.status === to) return server;
    if (server.status === from && !asked) return undefined;
    const fault = server.fault ? `: ${server.fault.message}` : '';
    const said = `Server ${server.name} was to be ${to} but is ${server.status}${fault}`;
    throw new PumphouseError('ResourceFailed', said);
  });
};

/** Deletes a server and watches until it is gone. One that is gone already is a success. */
export const deleteServer = async (
  move: ServerMove,
  intent: Intent,
  cloud: Cloud,
  id: string,
  accepted: () => Promise<unknown> = async () => {},
): Promise<void> => {
  await cloud.delete('compute', `/servers/${id}`);
  await accepted();
  await move.until(intent, `server ${id} to be gone`, STATE_SECONDS, () => isGone(cloud, id));
};

const isGone = async (cloud: Cloud, id: string) => {
  try {
    const server = await getServer(cloud, id);
    if (server.status === 'DELETED') return true;
    if (server.status !== 'ERROR' || isBusy(server)) return undefined;
    const fault = server.fault?.message ?? 'it is in ERROR';
    throw new PumphouseError(
      'ResourceFailed',
      `Server ${server.name} could not be deleted: ${fault}`,
    );
  } catch (error) {
    if (isError(error, 'ResourceNotFound')) return true;
    throw error;
  }
};
