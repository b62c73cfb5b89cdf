/**
 * A token acts in the project that it is scoped to, and Nova creates a server for that project alone.
 * So our user gets a role in the tenant for as long as the migration runs (decision 2.8).
 */
import { isError, PumphouseError } from '../domain/errors.ts';
import { type PlanItem, plannedItem, type Reference } from '../domain/plan.ts';
import type { Cloud, PlanStore } from '../ports.ts';
import type { Role } from '../resources/role.ts';

export const GRANT: Reference = { type: 'grant', id: 'member' };

/** The plan's item for the grant, written before the grant is made: what is not journaled is not revoked. */
export const grantItem = (operation: string): PlanItem =>
  plannedItem({ ...GRANT, operation, label: 'member' });

const grantPath = async (destination: Cloud, tenantId: string) => {
  const { userId } = await destination.self();
  const query = { name: GRANT.id };
  for await (const role of destination.list<Role>('identity', '/roles', 'roles', { query })) {
    if (!role.domain_id) return `/projects/${tenantId}/users/${userId}/roles/${role.id}`;
  }
  throw new PumphouseError('ResourceNotFound', `The destination has no role named ${GRANT.id}`);
};

const isHeld = async (destination: Cloud, path: string) => {
  try {
    await destination.get('identity', path);
    return true;
  } catch (error) {
    if (isError(error, 'ResourceNotFound')) return false;
    throw error;
  }
};

/** Gives our user its role in the tenant. A role that it held before is noted, and later left alone. */
export const ensureGrant = async (
  destination: Cloud,
  plans: PlanStore,
  operation: string,
  tenantId: string,
): Promise<void> => {
  const item = await plans.get(operation, GRANT);
  if (item.state === 'ready') return;
  const path = await grantPath(destination, tenantId);
  const held = item.intents.grant ? item.notes.held === true : await isHeld(destination, path);
  await plans.update(item, { destinationId: path, notes: { held } });
  await plans.intend(item, 'grant');
  if (!held) await destination.put('identity', path, undefined);
  await plans.update(item, { state: 'ready' });
};

/** Takes the role back, if it was this operation that gave it. Safe to repeat. */
export const revokeGrant = async (
  destination: Cloud,
  plans: PlanStore,
  operation: string,
): Promise<void> => {
  const item = (await plans.list(operation)).find(({ type }) => type === GRANT.type);
  if (!item?.intents.grant || item.notes.held || !item.destinationId) return;
  await destination.delete('identity', item.destinationId);
};
