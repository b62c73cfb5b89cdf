/** Plans a tenant's migration: what is made, what is taken as it is, what stands in the way. Reads only. */
import type { MigrationInput } from '../domain/operation.ts';
import { type Loss, type Obstacle, type PlanItem, plannedItem } from '../domain/plan.ts';
import { referenceKey, sortIntoWaves } from '../domain/waves.ts';
import { each } from '../each.ts';
import type { Cloud, PlanStore } from '../ports.ts';
import { notCarried } from '../resources/not-carried.ts';
import type { Site } from '../resources/resource-type.ts';
import { type Discovered, discover, type Inventory } from './discover.ts';
import { idsOf } from './ids.ts';
import { refuseOwnTenant } from './refuse-own-tenant.ts';
import { type CopyLimit, tooLarge } from './too-large.ts';

export interface Planning {
  source: Cloud;
  destination: Cloud;
  plans: Pick<PlanStore, 'made'>;
  operation: string;
  tenantId: string;
  input: MigrationInput;
  limit: CopyLimit;
}

export interface Plan {
  items: PlanItem[];
  obstacles: Obstacle[];
  losses: Loss[];
}

/** Calls at once while looking for counterparts. */
const LOOKUPS = 8;

/** Whether the request allows an equal namesake of the object to be taken as ours (decision 2.6). */
const mayReuse = ({ reuse }: MigrationInput, object: Discovered) =>
  reuse.includes(object.type) || reuse.includes(referenceKey(object));

type Decision =
  | { action: 'create' }
  | { action: 'reuse'; destinationId: string }
  | { obstacle: Obstacle };

const decide = async (planning: Planning, site: Site, object: Discovered): Promise<Decision> => {
  const { resource, body, type, id, label: name } = object;
  const found = await resource.find(site, body);
  const made = await planning.plans.made(resource.partOf?.(body) ?? object);
  const ours = found.find((one) => one.id === made);
  const obstacle = (kind: Obstacle['kind'], reason: string, fields?: string[]): Decision => ({
    obstacle: { type, id, name, kind, reason, ...(fields && { fields }) },
  });
  const match = ours ?? found[0];
  if (!match) {
    const reason = await resource.unfit?.(site, body);
    return reason ? obstacle('unfit', reason) : { action: 'create' };
  }
  const tenant = { type: 'tenant', id: planning.tenantId };
  if (!ours && resource.automatic?.(body) && (await planning.plans.made(tenant))) {
    return { action: 'create' };
  }
  if (!ours && found.length > 1) {
    return obstacle('ambiguous', `The destination has ${found.length} of them; nothing says which`);
  }
  const fields = resource.differences(body, match.body, site);
  const shared = resource.shared?.(body, planning.tenantId) ?? resource.scope === 'cloud';
  if (fields.length > 0 && !(ours && resource.settle)) {
    return obstacle('conflict', `The destination has another ${type} of that name`, fields);
  }
  if (!ours && !shared && !mayReuse(planning.input, object)) {
    const way = `say "reuse": ["${type}"] if it is the same`;
    return obstacle('conflict', `The destination has a ${type} of that name already; ${way}`);
  }
  return { action: 'reuse', destinationId: match.id };
};

const obstaclesOf = (planning: Planning, { objects, discovery }: Inventory) =>
  objects.flatMap(({ resource, body, type, id, label: name }): Obstacle[] => {
    const reasons = resource.obstacles?.(body, discovery) ?? [];
    const found = reasons.map((reason): Obstacle => ({ type, id, name, kind: 'unfit', reason }));
    const large = tooLarge(type, body, planning.limit);
    return large ? [...found, { type, id, name, kind: 'too large', reason: large }] : found;
  });

/**
 * @throws ResourceNotFound when there is no such tenant
 * @throws InvalidRequest when it is not one to migrate: our own project, or the services'
 */
export const planTenant = async (planning: Planning): Promise<Plan> => {
  const { source, destination, tenantId, operation, input } = planning;
  const inventory = await discover(source, tenantId, input.strategy);
  const { objects } = inventory;
  await refuseOwnTenant(source, objects);
  const waves = sortIntoWaves(objects);
  const obstacles = [...(await notCarried(source, tenantId)), ...obstaclesOf(planning, inventory)];
  const ids = idsOf();
  const items: PlanItem[] = [];
  const byWave = Map.groupBy(objects, (object) => waves.get(referenceKey(object)) ?? 0);
  for (const [wave, members] of [...byWave].sort(([a], [b]) => a - b)) {
    await each(members, LOOKUPS, async (object) => {
      const { type, id, label, needs } = object;
      const site = { source, destination, ids, tenantId };
      const decision = await decide(planning, site, object);
      if ('obstacle' in decision) {
        obstacles.push(decision.obstacle);
        return;
      }
      if (decision.action === 'reuse') ids.set(type, id, decision.destinationId);
      items.push(plannedItem({ operation, type, id, label, needs, wave, ...decision }));
    });
  }
  const losses = objects.flatMap(({ resource, body, type, id, label: name }): Loss[] =>
    (resource.losses?.(body) ?? []).map((what) => ({ type, id, name, what })),
  );
  return { items, obstacles, losses };
};

/** The obstacles in one sentence, for people: each by name, with its reason. */
export const summary = (obstacles: readonly Obstacle[]): string =>
  obstacles.map(({ type, id, name, reason }) => `${type} ${name ?? id}: ${reason}`).join('; ');
