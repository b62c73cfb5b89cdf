/** What Ironic does with a node: its provision states and its power. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Transitions } from '../due.ts';
import type { Fields, Node } from '../model.ts';
import { numberOf, textOf } from '../reading.ts';
import { badRequest, conflict } from '../refusal.ts';
import { accepted, type Call, ok, type Routes } from '../router.ts';
import { install, machineTransitions, switchMachine, wipe } from './machines.ts';
import { nodeOf, stamp } from './nodes.ts';

/** Believable seconds. */
const POWER = 1;

interface Step {
  from: readonly string[];
  /** While it runs, and where it leads. */
  during: string;
  to: string;
  failed: string;
  seconds: number;
  /** The word in `extra.fault` by which it fails. */
  fault: string;
}

/** By what asks for it: https://docs.openstack.org/ironic/latest/user/states.html */
const STEPS: Readonly<Record<string, Step>> = {
  manage: {
    ...{ from: ['enroll'], during: 'verifying', to: 'manageable', failed: 'enroll' },
    ...{ seconds: 1, fault: 'verify' },
  },
  inspect: {
    ...{ from: ['manageable', 'inspect failed'], during: 'inspecting', to: 'manageable' },
    ...{ failed: 'inspect failed', seconds: 3, fault: 'inspect' },
  },
  provide: {
    ...{ from: ['manageable'], during: 'cleaning', to: 'available', failed: 'clean failed' },
    ...{ seconds: 3, fault: 'clean' },
  },
  active: {
    ...{ from: ['available', 'deploy failed'], during: 'deploying', to: 'active' },
    ...{ failed: 'deploy failed', seconds: 8, fault: 'deploy' },
  },
  deleted: {
    ...{ from: ['active', 'deploy failed', 'error'], during: 'deleting', to: 'available' },
    ...{ failed: 'error', seconds: 3, fault: 'delete' },
  },
};

/** From these `manage` leads to `manageable` at once. */
const MANAGED_AT_ONCE = ['available', 'inspect failed', 'clean failed', 'adopt failed'];

const change = (cloud: SimulatedCloud, node: Node, changes: Fields): Node =>
  cloud.nodes.put({ ...node, ...changes, updated_at: stamp(cloud) } as Node);

function requireFree(node: Node): void {
  if (node.reservation)
    throw conflict(
      `Node ${node.id} is locked by host ${node.reservation}, please retry after the current operation is completed.`,
    );
}

function requireServing(node: Node, operation: string): void {
  if (node.maintenance)
    throw badRequest(
      `The ${operation} operation can't be performed on node ${node.id} because it's in maintenance mode.`,
    );
}

const notNow = (node: Node, target: string, state: string | null) =>
  badRequest(
    `The requested action "${target}" can not be performed on node "${node.id}" while it is in state "${state}".`,
  );

function provision(call: Call) {
  const { cloud } = call;
  const node = nodeOf(call);
  const target = textOf(call.body.target);
  requireFree(node);
  const provision_updated_at = stamp(cloud);
  if (target === 'manage' && MANAGED_AT_ONCE.includes(node.provision_state)) {
    change(cloud, node, { provision_state: 'manageable', provision_updated_at });
    return accepted();
  }
  const step = STEPS[target];
  if (!step?.from.includes(node.provision_state)) throw notNow(node, target, node.provision_state);
  if (target === 'provide') requireServing(node, 'providing');
  if (target === 'active') requireServing(node, 'provisioning');
  const { configdrive } = call.body;
  change(cloud, node, {
    provision_state: step.during,
    target_provision_state: step.to,
    ...{ provision_updated_at, reservation: 'destination', last_error: null },
    ...(configdrive ? { instance_info: { ...node.instance_info, configdrive } } : {}),
  });
  cloud.later(step.seconds, 'node.done', node.id, { target });
  return accepted();
}

/** Strikes as often as the node's `extra` says: `fault` names a step, `fault_times` how often. */
function isFaulty(cloud: SimulatedCloud, node: Node, fault: string): boolean {
  const times = numberOf(node.extra.fault_times, Number.MAX_SAFE_INTEGER);
  if (node.extra.fault !== fault || times <= 0) return false;
  change(cloud, node, { extra: { ...node.extra, fault_times: times - 1 } });
  return true;
}

/** A node whose cleaning failed is in maintenance until somebody clears that. */
function fail(cloud: SimulatedCloud, node: Node, { fault, failed }: Step): void {
  change(cloud, cloud.nodes.get(node.id) ?? node, {
    ...{ provision_state: failed, target_provision_state: null, reservation: null },
    last_error: `Failed to ${fault} node ${node.id}: the hardware was told to`,
    ...(fault === 'clean' ? { maintenance: true, fault: 'clean failure' } : {}),
  });
}

function power(call: Call) {
  const node = nodeOf(call);
  const target = textOf(call.body.target);
  if (!['power on', 'power off', 'rebooting', 'soft power off', 'soft rebooting'].includes(target))
    throw notNow(node, target, node.power_state);
  requireFree(node);
  const to = target.endsWith('off') ? 'power off' : 'power on';
  const busy = { target_power_state: to, reservation: 'destination', last_error: null };
  change(call.cloud, node, busy);
  call.cloud.later(POWER, 'node.powered', node.id, { to });
  return accepted();
}

export const nodeTransitions: Transitions = {
  ...machineTransitions,
  'node.done': (cloud, due) => {
    const node = cloud.nodes.get(due.subject);
    const step = STEPS[textOf(due.data.target)];
    if (!node || !step) return;
    if (isFaulty(cloud, node, step.fault)) return fail(cloud, node, step);
    const done = change(cloud, node, {
      ...{ provision_state: step.to, target_provision_state: null, reservation: null },
      provision_updated_at: stamp(cloud),
      ...(step.fault === 'inspect' ? { inspection_finished_at: cloud.now().toISOString() } : {}),
      ...(step.fault === 'delete' ? { instance_info: {} } : {}),
    });
    if (step.fault === 'deploy') install(cloud, done);
    if (step.fault === 'delete') wipe(cloud, done);
  },
  'node.powered': (cloud, due) => {
    const node = cloud.nodes.get(due.subject);
    if (!node) return;
    const power_state = textOf(due.data.to);
    const settled = { target_power_state: null, reservation: null };
    if (isFaulty(cloud, node, 'power')) {
      const last_error = `Failed to set node power state to ${power_state}: the hardware was told to`;
      change(cloud, cloud.nodes.get(node.id) ?? node, { ...settled, last_error });
    } else switchMachine(cloud, change(cloud, node, { ...settled, power_state }), due.at);
  },
};

const STATES = [
  ...['console_enabled', 'last_error', 'power_state', 'provision_state', 'target_power_state'],
  ...['target_provision_state', 'provision_updated_at'],
];

export const stateRoutes: Routes = {
  'GET /v1/nodes/:id/states': (call) => {
    const node = nodeOf(call);
    return ok(Object.fromEntries(STATES.map((name) => [name, node[name] ?? null])));
  },
  'PUT /v1/nodes/:id/states/provision': provision,
  'PUT /v1/nodes/:id/states/power': power,
  'PUT /v1/nodes/:id/maintenance': (call) => {
    const { reason } = call.body;
    change(call.cloud, nodeOf(call), { maintenance: true, maintenance_reason: reason ?? null });
    return accepted();
  },
  'DELETE /v1/nodes/:id/maintenance': (call) => {
    const cleared = { maintenance: false, maintenance_reason: null, fault: null };
    change(call.cloud, nodeOf(call), cleared);
    return accepted();
  },
};
