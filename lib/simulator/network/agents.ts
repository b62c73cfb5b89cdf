/** Neutron's agents: one on each host, alive as long as the host is. */

import type { SimulatedCloud } from '../cloud.ts';
import { isUp } from '../compute/hosts.ts';
import type { Fields, Host, Item } from '../model.ts';
import { forbidden, notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes } from '../router.ts';

const agents = (cloud: SimulatedCloud) => cloud.table('agent');

/** What a host's layer 2 agent writes when it starts. */
export function reportAgent(cloud: SimulatedCloud, host: string): void {
  if (agents(cloud).find((one) => one.host === host)) return;
  agents(cloud).put({ id: cloud.newId(), host, started_at: cloud.stamp() });
}

function view(call: Call, { id, host, started_at }: Item): Fields {
  const on = call.cloud.hosts.find((one: Host) => one.name === host);
  return {
    ...{ id, agent_type: 'Open vSwitch agent', binary: 'neutron-openvswitch-agent' },
    ...{ topic: 'N/A', host, admin_state_up: true, availability_zone: null },
    ...{ alive: on !== undefined && isUp(call.cloud, on), configurations: {} },
    ...{ created_at: started_at, started_at, heartbeat_timestamp: call.cloud.stamp() },
    ...{ description: null, resources_synced: null },
  };
}

function requireAdmin(call: Call, rule: string): void {
  if (!call.who.admin) throw forbidden(`rule:${rule} is disallowed by policy`);
}

function list(call: Call) {
  const host = call.query.get('host');
  const fit = agents(call.cloud).where((one) => call.who.admin && (!host || one.host === host));
  return ok({ agents: fit.map((one) => view(call, one)) });
}

function remove(call: Call) {
  requireAdmin(call, 'delete_agent');
  const id = call.param('id');
  if (!agents(call.cloud).get(id))
    throw notFound(`Agent ${id} could not be found`, 'AgentNotFound');
  agents(call.cloud).drop(id);
  return noContent();
}

export const agentRoutes: Routes = {
  'GET /v2.0/agents': list,
  'DELETE /v2.0/agents/:id': remove,
};
