/** Two clouds, and the engine that carries a tenant from one to the other with stores of its own. */
import { readFile } from 'node:fs/promises';
import { referenceKey } from '../../../../lib/domain/waves.ts';
import { ensureResources } from '../../../../lib/migration/ensure-resources.ts';
import { idsOf } from '../../../../lib/migration/ids.ts';
import { planTenant } from '../../../../lib/migration/plan-tenant.ts';
import { openCloud } from '../../../../lib/openstack/cloud.ts';
import { loadCloud } from '../../../../lib/openstack/clouds-yaml.ts';
import type { Clock, Cloud } from '../../../../lib/ports.ts';
import { openTable } from '../../../support/table.ts';

export interface Clouds {
  source: Cloud;
  destination: Cloud;
}

export const clock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** The clouds of a `clouds.yaml` with entries `source` and `destination`. */
export const cloudsIn = (text: string): Clouds => ({
  source: openCloud(loadCloud(text, 'source'), 'source'),
  destination: openCloud(loadCloud(text, 'destination'), 'destination'),
});

export const openClouds = async (file: string) => cloudsIn(await readFile(file, 'utf8'));

export const externalNetwork = async (cloud: Cloud): Promise<string> => {
  const query = { 'router:external': true };
  for await (const { id } of cloud.list<{ id: string }>('network', '/v2.0/networks', 'networks', {
    query,
  })) {
    return id;
  }
  throw new Error(`${cloud.name} has no external network`);
};

export type Change = 'post' | 'put' | 'patch' | 'delete';

/** The cloud with something done around every call that changes anything. */
export const changing = (
  cloud: Cloud,
  around: (change: string, call: () => Promise<unknown>) => Promise<unknown>,
): Cloud => {
  const wrapped = (method: Change) =>
    ((service, path, ...rest) =>
      around(`${method} ${path}`, () =>
        (cloud[method] as (...all: unknown[]) => Promise<unknown>)(service, path, ...rest),
      )) as Cloud['post'];
  return {
    ...cloud,
    ...{ post: wrapped('post'), put: wrapped('put'), patch: wrapped('patch') },
    delete: (service, path, options) => wrapped('delete')<void>(service, path, options),
  };
};

const INPUT = { strategy: 'snapshot', quiesce: 'suspend', finalize: 'auto', reuse: [] } as const;

/** Plans and carries over; each has its own record of what Pumphouse made. */
export const carrier = async (tenantId: string) => {
  const table = await openTable(clock);
  const { plans, events, world } = table.stores;
  let count = 0;
  const plan = (clouds: Clouds) =>
    planTenant({
      ...{ ...clouds, plans, tenantId, operation: `op-${tenantId}-${++count}` },
      ...{ input: { ...INPUT, reuse: [] }, limit: { rate: 50, seconds: 600 } },
    });
  const carry = async (clouds: Clouds, planned: Awaited<ReturnType<typeof plan>>) => {
    await plans.put(planned.items);
    const operation = planned.items[0]?.operation ?? '';
    const again = async () => {
      const items = await plans.list(operation);
      const ids = idsOf(items);
      const site = { ...clouds, ids, tenantId };
      await ensureResources({ site, plans, events, world, ids, clock }, items, 3600);
      return { site, items: await plans.list(operation), events: await events.read(operation, 0) };
    };
    return { again };
  };
  return { plan, carry, plans, close: table.close };
};

export const keysOf = (items: readonly { type: string; id: string }[]) =>
  items.map(referenceKey).sort();
