/** OpenStack's own bare metal service, in the destination. */
import { PumphouseError } from '../domain/errors.ts';
import {
  askPower,
  askState,
  type BareMetalNode,
  endMaintenance,
  setFields,
} from '../resources/bare-metal-node.ts';
import { nodeFinder } from './node-finder.ts';
import {
  countFailure,
  DONE,
  type Job,
  type Progress,
  type Provisioner,
  textOption,
} from './provisioner.ts';
import { type Fields, mappingAt, requiredAt, textAt } from './settings.ts';

/** How far a node is, in percent, by its state: https://docs.openstack.org/ironic/latest/user/states.html */
const PROGRESS: Readonly<Record<string, number>> = {
  ...{ enroll: 0, verifying: 5, manageable: 10, inspecting: 15, 'inspect wait': 20, deleting: 20 },
  ...{ cleaning: 30, 'clean wait': 35, available: 40, deploying: 50, 'wait call-back': 70 },
  ...{ 'power off': 50, 'power on': 95, active: 100 },
};

/** What leads out of a state in which the last change failed. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  ...{ 'inspect failed': 'manage', 'clean failed': 'manage', 'adopt failed': 'manage' },
  ...{ 'deploy failed': 'active', error: 'deleted' },
};

const working = (status: string): Progress => ({
  ...{ kind: 'working', status, progress: PROGRESS[status] ?? 0 },
});

const isBusy = (node: BareMetalNode) =>
  node.target_provision_state !== null ||
  node.target_power_state !== null ||
  node.reservation !== null;

const conflict = (message: string) => new PumphouseError('ResourceConflict', message);
const failed = (message: string) => new PumphouseError('ResourceFailed', message);

/** @param settings `pumphouse.ironic` of the destination in clouds.yaml */
export const ironic = (settings: Fields): Provisioner => {
  const { find, prepared, isDescribed } = nodeFinder(settings);

  const power = async (job: Job, node: BareMetalNode, to: 'power on' | 'power off') => {
    if (node.power_state === to) return DONE;
    const asked = `asked ${to}`;
    if (job.notes[asked] && node.last_error)
      await countFailure(job, to, String(node.updated_at), `Ironic: ${node.last_error}`);
    await job.note({ [asked]: true });
    await askPower(job.destination, node.uuid, to);
    return working(to);
  };

  /** A failure is remembered in Ironic's words, since the next request clears them. */
  const lead = async (job: Job, node: BareMetalNode, target: string): Promise<Progress> => {
    const { provision_state: state, last_error, uuid } = node;
    const isFailed = state in WAYS_OUT || (state === 'enroll' && last_error !== null);
    if (isFailed) {
      const reason = `Ironic has node ${node.name ?? uuid} in ${state}: ${last_error}`;
      await countFailure(job, state, String(node.provision_updated_at), reason);
    }
    if (node.fault === 'clean failure') await endMaintenance(job.destination, uuid);
    await askState(job.destination, uuid, target, target === 'active' ? deployment(job, node) : {});
    return working(state);
  };

  const managed = async (job: Job): Promise<BareMetalNode | Progress> => {
    const node = await prepared(job);
    if (isBusy(node)) return working(node.provision_state);
    return node.provision_state === 'enroll' ? lead(job, node, 'manage') : node;
  };

  const deployment = ({ name }: Job, { uuid }: BareMetalNode) => ({
    configdrive: {
      meta_data: { uuid, name, hostname: name },
      ...(settings.user_data !== undefined && { user_data: settings.user_data }),
    },
  });

  const deploy = async (job: Job, node: BareMetalNode) => {
    const image_source =
      textOption(job.options, 'image') ?? requiredAt(settings, 'image', 'ironic.image');
    const image_checksum = textAt(settings, 'checksum', 'ironic.checksum');
    const more = mappingAt(settings, 'instance_info', 'ironic.instance_info');
    await setFields(job.destination, node.uuid, {
      '/extra/pumphouse': job.operation,
      '/instance_info': { ...more, image_source, ...(image_checksum && { image_checksum }) },
    });
    return lead(job, node, 'active');
  };

  /** One that Ironic inspected before it was ours is inspected again: the machine may have changed. */
  const prepare = async (job: Job, node: BareMetalNode) => {
    const before = job.notes['inspected before'];
    const finished = node.inspection_finished_at ?? 'never';
    if (before === undefined) await job.note({ 'inspected before': finished });
    const wanted = settings.inspect !== false && (before === undefined || before === finished);
    return lead(job, node, wanted ? 'inspect' : 'provide');
  };

  const isOurs = ({ extra }: BareMetalNode, { operation, previous }: Job) =>
    extra.pumphouse !== undefined && [operation, previous].includes(String(extra.pumphouse));

  const advance = (job: Job, node: BareMetalNode): Promise<Progress> => {
    const { provision_state: state } = node;
    if (state === 'manageable') return prepare(job, node);
    if (state === 'available') return deploy(job, node);
    if (state === 'active')
      return isOurs(node, job) ? power(job, node, 'power on') : lead(job, node, 'deleted');
    const way = WAYS_OUT[state];
    if (way) return state === 'deploy failed' ? deploy(job, node) : lead(job, node, way);
    throw failed(
      `Ironic has node ${node.name ?? node.uuid} in ${state}, which has to be ended first`,
    );
  };

  const on = (to: 'power on' | 'power off') => async (job: Job) => {
    const node = await managed(job);
    return 'kind' in node ? node : power(job, node, to);
  };

  return {
    options: ['node', 'mac', 'image'],

    async check(request) {
      const { host, destination, options } = request;
      if (!(await destination.offers('baremetal')))
        throw conflict('The destination has no bare metal service; choose another provisioner');
      if (!textOption(options, 'image')) requiredAt(settings, 'image', 'ironic.image');
      const node = await find(request);
      if (!node && !isDescribed(host))
        throw conflict(
          `Ironic has no node for host ${host}: name one in the request (node, mac), or describe it in clouds.yaml under pumphouse.ironic.nodes`,
        );
      if (node?.instance_uuid)
        throw conflict(`Nova runs a server on node ${node.name ?? node.uuid}`);
      if (node?.maintenance && !node.fault)
        throw conflict(
          `Node ${node.name ?? node.uuid} is in maintenance: ${node.maintenance_reason}`,
        );
    },

    powerOff: on('power off'),
    powerOn: on('power on'),

    async provision(job) {
      const node = await managed(job);
      return 'kind' in node ? node : advance(job, node);
    },
  };
};
