/** Resource providers beyond the hosts' own, and allocations beyond the servers': what Nova leaves behind. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Host } from '../model.ts';
import { numberOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Call, noContent, type Routes } from '../router.ts';

const left = (cloud: SimulatedCloud) => cloud.table('left-provider');
const strays = (cloud: SimulatedCloud) => cloud.table('stray-allocation');

/** The provider of every host, and those whose host is gone. */
export const providersOf = (cloud: SimulatedCloud): Host[] => [
  ...cloud.hosts.all(),
  ...(left(cloud).all() as Host[]),
];

/** Consumers that are no servers, by their id, with what they hold of a provider. */
export const straysOn = (cloud: SimulatedCloud, provider: string): [string, Fields][] =>
  strays(cloud)
    .all()
    .flatMap((one): [string, Fields][] => {
      const mine = recordOf(one.allocations)[provider];
      return mine ? [[one.id, { ...recordOf(mine), consumer_generation: one.generation }]] : [];
    });

export const strayOf = (cloud: SimulatedCloud, consumer: string) => strays(cloud).get(consumer);

/** With its service a host's provider goes, unless something is allocated there: that Nova only logs. */
export function leaveProvider(cloud: SimulatedCloud, host: Host): void {
  if (straysOn(cloud, host.id).length > 0) left(cloud).put({ ...host });
}

function putAllocations(call: Call) {
  const { cloud, body } = call;
  const consumer = call.param('consumer');
  const known = strays(cloud).get(consumer);
  const wanted = body.consumer_generation === null ? 0 : numberOf(body.consumer_generation);
  if (wanted !== numberOf(known?.generation))
    throw conflict(
      `consumer generation conflict - expected ${numberOf(known?.generation)} but got ${wanted}`,
      'placement.concurrent_update',
    );
  const allocations = recordOf(body.allocations);
  for (const id of Object.keys(allocations))
    if (!providersOf(cloud).some((one) => one.id === id))
      throw badRequest(`Allocation for resource provider '${id}' that does not exist.`);
  if (Object.keys(allocations).length === 0) strays(cloud).drop(consumer);
  else
    strays(cloud).put({
      id: consumer,
      allocations,
      project_id: textOf(body.project_id),
      user_id: textOf(body.user_id),
      generation: numberOf(known?.generation) + 1,
    });
  return noContent();
}

function dropAllocations(call: Call) {
  const consumer = call.param('consumer');
  if (!strays(call.cloud).get(consumer))
    throw notFound(`No allocations for consumer '${consumer}'`);
  strays(call.cloud).drop(consumer);
  return noContent();
}

function dropProvider(call: Call) {
  const id = call.param('id');
  const found = providersOf(call.cloud).find((one) => one.id === id);
  if (!found) throw notFound(`No resource provider with uuid ${id} found for delete`);
  const used =
    straysOn(call.cloud, id).length > 0 ||
    call.cloud.servers.where((one) => one.host === found.name).length > 0;
  if (used)
    throw conflict(
      `Unable to delete resource provider ${id}: Resource provider has allocations.`,
      'placement.resource_provider.inuse',
    );
  left(call.cloud).drop(id);
  return noContent();
}

export const providerRoutes: Routes = {
  'PUT /allocations/:consumer': putAllocations,
  'DELETE /allocations/:consumer': dropAllocations,
  'DELETE /resource_providers/:id': dropProvider,
};
