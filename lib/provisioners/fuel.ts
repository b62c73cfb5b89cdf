/** Fuel, the deployment engine of Mirantis: both clouds are environments of one master. */
import { PumphouseError } from '../domain/errors.ts';
import { applyLayout, layoutOf } from './fuel-layout.ts';
import { type FuelNode, type FuelTask, nailgun } from './nailgun.ts';
import {
  countFailure,
  DONE,
  type Job,
  type Progress,
  type Provisioner,
  textOption,
} from './provisioner.ts';
import { type Fields, requiredAt } from './settings.ts';

type Request = Omit<Job, 'note' | 'notes'>;

const conflict = (message: string) => new PumphouseError('ResourceConflict', message);

/** A node is known by its network cards: removed and found again, it has another id. */
const macsOf = ({ mac, meta }: FuelNode): string[] =>
  [mac, ...(meta.interfaces ?? []).map((one) => one.mac)].map((one) => one.toLowerCase());

const isPending = ({ pending_addition, pending_deletion, pending_roles }: FuelNode) =>
  pending_addition || pending_deletion || pending_roles.length > 0;

const working = (status: string, progress: number): Progress => ({
  ...{ kind: 'working', status, progress },
});

/** @param settings `pumphouse.fuel` of the destination in clouds.yaml */
export const fuel = (settings: Fields): Provisioner => {
  const api = nailgun(settings);

  const clusterOf = async (which: 'source' | 'destination'): Promise<number> => {
    const name = requiredAt(settings, which, `fuel.${which}`);
    const clusters = await api.get<{ id: number; name: string }[]>('clusters/');
    const found = clusters.find((one) => one.name === name);
    if (found) return found.id;
    throw conflict(`Fuel has no environment ${name}`);
  };

  const find = async ({ host, options }: Request, macs?: string): Promise<FuelNode | undefined> => {
    const nodes = await api.get<FuelNode[]>('nodes/');
    if (macs)
      return nodes.find((node) => macsOf(node).some((mac) => macs.split(' ').includes(mac)));
    const wanted = textOption(options, 'node') ?? host;
    return nodes.find(({ fqdn, hostname, name }) => [fqdn, hostname, name].includes(wanted));
  };

  /** Noted at the first sight, when it still bears its name. */
  const nodeOf = async (job: Job): Promise<FuelNode | undefined> => {
    if (!job.notes.macs) {
      const node = await find(job);
      if (!node) throw conflict(`Fuel has no node ${job.host}`);
      await job.note({ macs: macsOf(node).join(' ') });
    }
    return find(job, String(job.notes.macs));
  };

  const tasksOf = async (cluster: number): Promise<FuelTask[]> => {
    const tasks = await api.get<FuelTask[]>('tasks/');
    const ours = tasks.filter((task) => task.cluster === cluster && task.name === 'deploy');
    return ours.sort((a, b) => a.id - b.id);
  };

  /** Applies what is pending in an environment, unless that is on its way; a failed one is tried again once. */
  const deploy = async (job: Job, which: 'source' | 'destination', status: string) => {
    const cluster = await clusterOf(which);
    const last = (await tasksOf(cluster)).at(-1);
    const before = `tasks before ${which}`;
    if (job.notes[before] === undefined) await job.note({ [before]: last?.id ?? 0 });
    if (last && ['pending', 'running'].includes(last.status))
      return working(status, last.progress / 2);
    // One that has just ended has not shown in the node that was read before it.
    if (last?.status === 'ready' && last.id > Number(job.notes[before])) return working(status, 50);
    if (last?.status === 'error' && last.id > Number(job.notes[before]))
      await countFailure(job, which, String(last.id), `Fuel: ${last.message}`);
    await api.put(`clusters/${cluster}/changes`, {});
    return working(status, 0);
  };

  const assign = async (node: FuelNode) => {
    const cluster = await clusterOf('destination');
    const { roles } = await layoutOf(api, cluster, settings);
    await api.post(`clusters/${cluster}/assignment/`, [{ id: node.id, roles }]);
    return working('assigned', 10);
  };

  const configure = async (job: Job, node: FuelNode) => {
    const cluster = await clusterOf('destination');
    if (job.notes.laid !== node.id) {
      await applyLayout(api, node, cluster, await layoutOf(api, cluster, settings));
      await job.note({ laid: node.id });
    }
    return deploy(job, 'destination', 'provisioning');
  };

  /** A pending change of somebody else would be deployed along with ours. */
  const refusePending = async (which: 'source' | 'destination', own: FuelNode) => {
    const nodes = await api.get<FuelNode[]>(`nodes/?cluster_id=${await clusterOf(which)}`);
    const others = nodes.filter((node) => node.id !== own.id && isPending(node));
    if (others.length === 0) return;
    const named = others.map(({ name }) => name).join(', ');
    throw conflict(`Other changes are pending in Fuel's ${which} environment: ${named}`);
  };

  return {
    options: ['node'],

    async check(request) {
      const node = await find(request);
      if (!node) throw conflict(`Fuel has no node ${request.host}: name one in the request (node)`);
      if (request.name !== request.host && request.name !== node.fqdn)
        throw new PumphouseError('InvalidRequest', `Fuel names the host itself: ${node.fqdn}`, {
          details: { field: 'name' },
        });
      await layoutOf(api, await clusterOf('destination'), settings);
      for (const which of ['source', 'destination'] as const) await refusePending(which, node);
    },

    /** Removing a node from its environment wipes it and boots it into discovery. */
    async powerOff(job) {
      const node = await nodeOf(job);
      if (!node) return working('rebooting', 90);
      const source = await clusterOf('source');
      if (node.cluster !== source)
        return node.status === 'discover' ? DONE : working(node.status, 90);
      if (node.pending_deletion || node.status === 'removing')
        return deploy(job, 'source', 'removing');
      await api.post(`clusters/${source}/unassignment/`, [{ id: node.id }]);
      return working('unassigned', 10);
    },

    /** Takes back a removal that was not carried out. */
    async powerOn(job) {
      const node = await nodeOf(job);
      if (node?.pending_deletion)
        await api.put('nodes/', [{ id: node.id, pending_deletion: false }]);
      return DONE;
    },

    async provision(job) {
      const node = await nodeOf(job);
      if (!node) return working('rebooting', 0);
      if (node.cluster === null) return assign(node);
      if (node.cluster !== (await clusterOf('destination')))
        throw conflict(`Node ${node.name} is in another environment by now`);
      if (node.status === 'ready' && !isPending(node)) return DONE;
      if (node.pending_addition || node.status === 'error') return configure(job, node);
      return working(node.status, 20 + (node.progress * 4) / 5);
    },
  };
};
