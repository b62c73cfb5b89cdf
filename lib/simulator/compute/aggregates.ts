/** Host aggregates: groups of hosts that the scheduler treats alike. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Item } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { listOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Call, ok, type Routes } from '../router.ts';

const view = (call: Call, { id, uuid, ...one }: Item): Fields => ({
  id: Number(id),
  ...(call.version >= 41 ? { uuid } : {}),
  ...one,
});

function list(call: Call) {
  requireAdmin(call, 'os_compute_api:os-aggregates:index');
  const all = call.cloud.table('aggregate').all();
  return ok({ aggregates: all.map((one) => view(call, one)) });
}

function addHost(call: Call, aggregate: Item, name: string): string[] {
  const host = call.cloud.hosts.find((one) => one.name === name);
  if (!host || host.unmapped) throw notFound(`Compute host ${name} could not be found.`);
  const hosts = listOf(aggregate.hosts).map((one) => textOf(one));
  if (hosts.includes(name))
    throw conflict(`Aggregate ${aggregate.id} already has host ${name}.`, 'Conflict');
  return [...hosts, name];
}

function removeHost(aggregate: Item, name: string): string[] {
  const hosts = listOf(aggregate.hosts).map((one) => textOf(one));
  if (!hosts.includes(name))
    throw notFound(`Cannot remove host ${name} in aggregate ${aggregate.id}: not found`);
  return hosts.filter((one) => one !== name);
}

function act(call: Call) {
  requireAdmin(call, 'os_compute_api:os-aggregates:add_host');
  const aggregate = call.cloud.table('aggregate').get(call.param('id'));
  if (!aggregate) throw notFound(`Aggregate ${call.param('id')} could not be found.`);
  const [action = ''] = Object.keys(call.body);
  const name = textOf(recordOf(call.body[action]).host);
  if (action !== 'add_host' && action !== 'remove_host')
    throw badRequest(`There is no such action: ${action}`);
  const hosts =
    action === 'add_host' ? addHost(call, aggregate, name) : removeHost(aggregate, name);
  const updated_at = call.cloud.stampMicros();
  return ok({
    aggregate: view(call, call.cloud.table('aggregate').put({ ...aggregate, hosts, updated_at })),
  });
}

/** A host whose service is deleted is in no aggregate any more. */
export function leaveAggregates(cloud: SimulatedCloud, name: string): void {
  for (const one of cloud.table('aggregate').all()) {
    const hosts = listOf(one.hosts);
    if (hosts.includes(name))
      cloud.table('aggregate').put({ ...one, hosts: hosts.filter((host) => host !== name) });
  }
}

export const aggregateRoutes: Routes = {
  'GET /os-aggregates': list,
  'POST /os-aggregates/:id/action': act,
};
