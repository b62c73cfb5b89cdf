/** `POST /servers/{id}/action`: changes of state as a table, the rest by name. */
import type { Transitions } from '../due.ts';
import type { Server } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { numberOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Answer, accepted, type Call, ok, type Routes } from '../router.ts';
import { confirm, liveMigrate, migrate, revert } from './moves.ts';
import { action } from './newborn.ts';
import { changeServer, eraseServer, serverOf } from './servers.ts';
import { createImage } from './snapshots.ts';

/** States of Nova's `power_state`. */
export const POWER = { none: 0, running: 1, paused: 3, shutdown: 4 } as const;

interface StateChange {
  /** Nova's own name in refusals, where it differs. */
  verb?: string;
  from: readonly string[];
  task: string;
  to: string;
  power: number;
  seconds: number;
}

const STATE_CHANGES: Record<string, StateChange> = {
  suspend: { from: ['active'], task: 'suspending', to: 'suspended', power: 4, seconds: 1.5 },
  resume: { from: ['suspended'], task: 'resuming', to: 'active', power: 1, seconds: 1.5 },
  pause: { from: ['active'], task: 'pausing', to: 'paused', power: 3, seconds: 0.5 },
  unpause: { from: ['paused'], task: 'unpausing', to: 'active', power: 1, seconds: 0.5 },
  'os-stop': {
    verb: 'stop',
    from: ['active', 'error'],
    task: 'powering-off',
    to: 'stopped',
    power: 4,
    seconds: 2,
  },
  'os-start': {
    verb: 'start',
    from: ['stopped'],
    task: 'powering-on',
    to: 'active',
    power: 1,
    seconds: 1.5,
  },
  reboot: {
    from: ['active', 'stopped', 'paused', 'suspended', 'error'],
    task: 'rebooting',
    to: 'active',
    power: 1,
    seconds: 2,
  },
};

/** Refuses, in Nova's words, what the server's state or task does not allow. */
export function requireState(
  server: Server,
  verb: string,
  from: readonly string[],
  isBusyAllowed = false,
): void {
  const where = `Cannot '${verb}' instance ${server.id} while it is in`;
  if (!from.includes(server.vm_state)) throw conflict(`${where} vm_state ${server.vm_state}`);
  if (server.task_state && !isBusyAllowed)
    throw conflict(`${where} task_state ${server.task_state}`);
}

function requireUnlocked(call: Call, server: Server): void {
  if (server.locked && !call.who.admin) throw conflict(`Instance ${server.id} is locked`);
}

function changeState(call: Call, server: Server, name: string, change: StateChange): Answer {
  requireState(server, change.verb ?? name, change.from);
  changeServer(call.cloud, server, { task_state: change.task });
  call.cloud.later(change.seconds, 'server.state', server.id, { name });
  return accepted();
}

function reset(call: Call, server: Server): Answer {
  requireAdmin(call, 'os_compute_api:os-admin-actions:reset_state');
  const state = textOf(recordOf(call.body['os-resetState']).state);
  if (!['active', 'error'].includes(state))
    throw badRequest(
      `Invalid input for field/attribute state. Value: ${state}. '${state}' is not one of ['active', 'error']`,
    );
  changeServer(call.cloud, server, { vm_state: state, task_state: null });
  return accepted();
}

function lock(call: Call, server: Server): Answer {
  const reason = textOf(recordOf(call.body.lock).locked_reason) || null;
  changeServer(call.cloud, server, { locked: true, locked_reason: reason });
  return accepted();
}

/** On all ports of the server at once. */
const changeGroups =
  (change: (groups: string[], id: string) => string[]) =>
  (call: Call, server: Server): Answer => {
    const [wish] = Object.values(call.body);
    const name = textOf(recordOf(wish).name);
    const group = call.cloud
      .table('security-group')
      .find(
        (one) => one.project_id === server.project_id && (one.name === name || one.id === name),
      );
    if (!group) throw notFound(`Security group ${name} not found.`);
    for (const id of server.ports) {
      const port = call.cloud.ports.get(id);
      if (port)
        call.cloud.ports.put({ ...port, security_groups: change(port.security_groups, group.id) });
    }
    return accepted();
  };

const CONSOLE = ['FAKE CONSOLE OUTPUT', 'ANOTHER', 'LAST LINE'];

const OTHERS: Record<string, (call: Call, server: Server) => Answer> = {
  createImage,
  'os-migrateLive': liveMigrate,
  migrate,
  confirmResize: confirm,
  revertResize: revert,
  'os-resetState': reset,
  lock,
  unlock: (call, server) => {
    changeServer(call.cloud, server, { locked: false, locked_reason: null });
    return accepted();
  },
  'os-getConsoleOutput': (call) => {
    const length = numberOf(recordOf(call.body['os-getConsoleOutput']).length, CONSOLE.length);
    return ok({ output: CONSOLE.slice(-length).join('\n') });
  },
  addSecurityGroup: changeGroups((groups, id) => [...new Set([...groups, id])]),
  removeSecurityGroup: changeGroups((groups, id) => groups.filter((one) => one !== id)),
  forceDelete: (call, server) => {
    eraseServer(call.cloud, server);
    return accepted();
  },
};

const UNGUARDED = ['lock', 'unlock', 'os-getConsoleOutput', 'os-resetState'];

function act(call: Call) {
  const server = serverOf(call);
  const [name = ''] = Object.keys(call.body);
  const change = STATE_CHANGES[name];
  const other = OTHERS[name];
  if (!change && !other) throw badRequest(`There is no such action: ${name}`);
  if (!UNGUARDED.includes(name)) requireUnlocked(call, server);
  const answer = change
    ? changeState(call, server, name, change)
    : (other?.(call, server) ?? accepted());
  const after = call.cloud.servers.get(server.id);
  if (after) {
    const entry = action(call, change?.verb ?? name.replace('os-migrateLive', 'live-migration'));
    call.cloud.servers.put({ ...after, actions: [entry, ...after.actions] });
  }
  return answer;
}

export const actionRoutes: Routes = { 'POST /servers/:id/action': act };

export const actionTransitions: Transitions = {
  'server.state': (cloud, due) => {
    const server = cloud.servers.get(due.subject);
    const change = STATE_CHANGES[textOf(due.data.name)];
    if (!server || !change || server.task_state !== change.task) return;
    changeServer(cloud, server, {
      vm_state: change.to,
      task_state: null,
      power_state: change.power,
    });
  },
  'server.deleted': (cloud, due) => {
    const server = cloud.servers.get(due.subject);
    if (server) eraseServer(cloud, server);
  },
};
