/** Brings one object over: ensure, not create. Safe to repeat and to be killed anywhere. */
import { PumphouseError } from '../domain/errors.ts';
import type { Intent, PlanItem } from '../domain/plan.ts';
import { referenceKey } from '../domain/waves.ts';
import type { EventStore, PlanStore, WorldStore } from '../ports.ts';
import { record } from '../record.ts';
import { type AnyResourceType, resourceType } from '../resources/index.ts';
import type { Site } from '../resources/resource-type.ts';

export interface Ensuring {
  site: Site;
  plans: PlanStore;
  events: EventStore;
  world: WorldStore;
}

const conflict = (item: PlanItem, reason: string, fields: string[] = []) =>
  new PumphouseError('ResourceConflict', `${item.type} ${item.label}: ${reason}`, {
    details: { type: item.type, id: item.id, ...(fields.length > 0 && { fields }) },
  });

/** The object's id at the destination, and whether Pumphouse made it. */
const findOrMake = async (
  { site, plans }: Ensuring,
  item: PlanItem,
  resource: AnyResourceType,
  body: unknown,
): Promise<{ id: string; ours: boolean }> => {
  const found = await resource.find(site, body);
  const made = await plans.made(resource.partOf?.(body) ?? item);
  const match = found.find(({ id }) => id === made) ?? found[0];
  if (item.action === 'reuse') {
    const known = found.find(({ id }) => id === item.destinationId);
    if (known) return { id: known.id, ours: known.id === made };
    throw conflict(item, 'it was there when the plan was made and is gone now');
  }
  if (!match) return { id: await resource.create(site, body), ours: true };
  const expected = match.id === made || item.intents.ensure || resource.automatic?.(body);
  if (!expected) throw conflict(item, 'somebody made one since the plan was made');
  return { id: match.id, ours: true };
};

/** Reads the object back and compares it: an answer that says "created" proves nothing. */
const prove = async (
  site: Site,
  item: PlanItem,
  resource: AnyResourceType,
  body: unknown,
  id: string,
) => {
  const theirs = (await resource.find(site, body)).find((one) => one.id === id);
  if (!theirs) throw conflict(item, 'it cannot be found again at the destination');
  const fields = resource.differences(body, theirs.body, site);
  if (fields.length > 0) throw conflict(item, `differs in ${fields.join(', ')}`, fields);
};

const recordCreated = async (
  { site, ...stores }: Ensuring,
  item: PlanItem,
  made: { resource: AnyResourceType; body: unknown; id: string; intent: Intent },
) => {
  const { resource, body, id, intent } = made;
  const { created } = resource;
  if (!created || resource.automatic?.(body)) return;
  await record(stores, {
    operation: item.operation,
    step: `${referenceKey(item)}/created`,
    name: typeof created === 'function' ? created(body) : created,
    data: { id, cloud: 'destination', source_id: item.id, ...resource.event(body, site) },
    after: intent.tail,
  });
};

/**
 * Makes sure that the object's counterpart stands at the destination, equal and proven, and notes its
 * id. An answer that was lost is found again by the object's identity, never asked for twice.
 * @throws ResourceConflict when what stands there is not ours or differs
 */
export const ensureResource = async (ensuring: Ensuring, item: PlanItem): Promise<PlanItem> => {
  const { site, plans } = ensuring;
  if (item.state === 'ready') return item;
  const resource = resourceType(item.type);
  const body = await resource.get(site.source, item.id);
  const intent = await plans.intend(item, 'ensure');
  const { id, ours } = await findOrMake(ensuring, item, resource, body);
  if (ours) await plans.remember(item, id, item.operation);
  await plans.update(item, { destinationId: id });
  if (ours) await resource.settle?.(site, body, id);
  await prove(site, item, resource, body, id);
  if (item.action === 'create') {
    await recordCreated(ensuring, item, { resource, body, id, intent });
  }
  return plans.update(item, { state: 'ready' });
};
