import type { Strategy } from '../domain/operation.ts';
import type { Reference } from '../domain/plan.ts';
import type { Cloud } from '../ports.ts';
import { type AnyResourceType, resourceTypes } from '../resources/index.ts';
import type { Discovery, ResourceType } from '../resources/resource-type.ts';

/** One source object with the type that understands it. */
export interface Discovered extends Reference {
  label: string;
  needs: Reference[];
  resource: AnyResourceType;
  body: unknown;
}

export interface Inventory {
  objects: Discovered[];
  discovery: Discovery;
}

/**
 * Finds everything of the tenant in the source, type by type in the order of the registry. Reads only.
 * @throws ResourceNotFound when there is no such tenant
 */
export const discover = async (
  source: Cloud,
  tenantId: string,
  strategy: Strategy,
): Promise<Inventory> => {
  const found = new Map<string, readonly unknown[]>();
  const discovery: Discovery = {
    source,
    tenantId,
    strategy,
    found: <T>({ type }: ResourceType<T>) => (found.get(type) ?? []) as readonly T[],
  };
  const objects: Discovered[] = [];
  for (const resource of resourceTypes) {
    const bodies = await resource.discover(discovery);
    found.set(resource.type, bodies);
    for (const body of bodies) {
      const { type } = resource;
      const named = { type, id: resource.id(body), label: resource.label(body) };
      objects.push({ ...named, needs: resource.needs(body, tenantId), resource, body });
    }
  }
  return { objects, discovery };
};
