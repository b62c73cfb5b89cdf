/** Which of Ironic's nodes a host is, and how one that it does not know becomes known to it. */
import {
  addPorts,
  type BareMetalNode,
  enrollNode,
  findNode,
  findNodeByMac,
} from '../resources/bare-metal-node.ts';
import { type Job, textOption } from './provisioner.ts';
import { type Fields, mappingAt, requiredAt, textAt } from './settings.ts';

export type Wanted = Omit<Job, 'note' | 'notes'>;

export interface NodeFinder {
  /** By what the request says, else by the host's name, long or short, else by its network cards. */
  find(job: Wanted): Promise<BareMetalNode | undefined>;
  /** As `find`; one that is not known is enrolled as clouds.yaml describes it. Idempotent. */
  prepared(job: Wanted): Promise<BareMetalNode>;
  /** True when clouds.yaml says how to enroll the host. */
  isDescribed(host: string): boolean;
}

const macsOf = (fields: Fields): string[] =>
  Array.isArray(fields.macs) ? fields.macs.map(String) : [];

/** @param settings `pumphouse.ironic` of the destination in clouds.yaml */
export const nodeFinder = (settings: Fields): NodeFinder => {
  const enrollmentOf = (host: string) =>
    mappingAt(mappingAt(settings, 'nodes', 'ironic.nodes'), host, `ironic.nodes.${host}`);

  const find = async ({ destination, options, host }: Wanted) => {
    const [short = host] = host.split('.');
    const wanted = textOption(options, 'node');
    for (const name of wanted ? [wanted] : [...new Set([host, short])]) {
      const node = await findNode(destination, name);
      if (node) return node;
    }
    const mac = textOption(options, 'mac');
    return findNodeByMac(destination, mac ? [mac] : macsOf(enrollmentOf(host)));
  };

  const enroll = ({ destination, host }: Wanted) => {
    const { macs: _macs, driver: _driver, ...fields } = enrollmentOf(host);
    const driver = requiredAt(enrollmentOf(host), 'driver', `ironic.nodes.${host}.driver`);
    return enrollNode(destination, { name: host, driver, ...fields });
  };

  return {
    find,
    async prepared(job) {
      const node = (await find(job)) ?? (await enroll(job));
      if (node.provision_state === 'enroll')
        await addPorts(job.destination, node.uuid, macsOf(enrollmentOf(job.host)));
      return node;
    },
    isDescribed: (host) => textAt(enrollmentOf(host), 'driver') !== undefined,
  };
};
