/** What becomes of a machine that is switched on and off, written over, and started anew. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import type { Machine, Node } from '../model.ts';
import { reportAgent } from '../network/agents.ts';
import { recordOf, textOf } from '../reading.ts';

/** Believable seconds until Nova misses the reports of a host that is off. */
const SILENCE = 8;
/** Until a machine that was switched on runs its nova-compute. */
const BOOT = 6;
/** Until a new host is discovered and mapped to a cell. */
const DISCOVERY = 4;

const machineOf = (cloud: SimulatedCloud, node: Node): Machine | undefined =>
  cloud.machines.get(node.machine);

/** The image that was written makes the machine a compute host of this cloud, under its config drive's name. */
export function install(cloud: SimulatedCloud, node: Node): void {
  const machine = machineOf(cloud, node);
  const { meta_data } = recordOf(node.instance_info.configdrive);
  const host = textOf(recordOf(meta_data).hostname) || node.name || node.id;
  if (machine) cloud.machines.put({ ...machine, cloud: cloud.name, host, running: false });
  if (node.power_state === 'power on') cloud.later(BOOT, 'machine.booted', node.id);
}

export function wipe(cloud: SimulatedCloud, node: Node): void {
  const machine = machineOf(cloud, node);
  if (machine) cloud.machines.put({ ...machine, cloud: '', host: '', running: false });
}

/** Its nova-compute starts, or is missed, after a while. */
export function switchMachine(cloud: SimulatedCloud, node: Node, since: number): void {
  const isOn = node.power_state === 'power on';
  const [after, task] = isOn ? [BOOT, 'machine.booted'] : [SILENCE, 'machine.silent'];
  cloud.later(Number(after), String(task), node.id, {}, since);
}

/** What a new compute host does by itself: it registers, and the scheduler's interval maps it. */
function register(cloud: SimulatedCloud, name: string): void {
  reportAgent(cloud, name);
  if (cloud.hosts.find((host) => host.name === name)) return;
  const numbers = cloud.hosts.all().map(({ number }) => number);
  const host = cloud.hosts.put({
    id: cloud.newId(),
    name,
    service_id: cloud.newId(),
    number: Math.max(0, ...numbers) + 1,
    status: 'enabled',
    disabled_reason: null,
    forced_down: false,
    updated_at: cloud.stampMicros(),
    unmapped: true,
  });
  cloud.later(DISCOVERY, 'host.mapped', host.id);
}

/** True when the node of the machine that runs this host was told to fail in this way. */
export function isBroken(cloud: SimulatedCloud, host: string | null, fault: string): boolean {
  const machine = cloud.machines.find((one) => one.cloud === cloud.name && one.host === host);
  return cloud.nodes.find((one) => one.machine === machine?.id)?.extra.fault === fault;
}

export const machineTransitions: Transitions = {
  'machine.silent': (cloud, due) => {
    const node = cloud.nodes.get(due.subject);
    const machine = node && machineOf(cloud, node);
    if (machine && node.power_state === 'power off')
      cloud.machines.put({ ...machine, running: false });
  },
  /** `extra.fault` of the node: `boot` keeps its nova-compute from starting, `mapping` from being found. */
  'machine.booted': (cloud, due) => {
    const node = cloud.nodes.get(due.subject);
    const machine = node && machineOf(cloud, node);
    if (!machine?.cloud || node?.power_state !== 'power on' || node.extra.fault === 'boot') return;
    cloud.machines.put({ ...machine, running: true });
    if (machine.cloud === cloud.name) register(cloud, machine.host);
  },
  'host.mapped': (cloud, due) => {
    const host = cloud.hosts.get(due.subject);
    if (host && !isBroken(cloud, host.name, 'mapping'))
      cloud.hosts.put({ ...host, unmapped: false });
  },
};
