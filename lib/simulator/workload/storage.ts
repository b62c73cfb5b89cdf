/** Volumes and server groups: for the tenants that have them. The largest tenant has none. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Server, Volume } from '../model.ts';
import { attachAtBoot, newServerVolume } from '../volume/attaching.ts';
import { makeVolume } from '../volume/volumes.ts';
import { insider } from './insider.ts';
import type { Supplies } from './machines.ts';
import type { Tenant } from './people.ts';

function volume(cloud: SimulatedCloud, tenant: Tenant, fields: Record<string, unknown>): Volume {
  const call = insider(cloud, tenant.project.id, tenant.operator.id);
  const made = makeVolume(call, fields);
  return cloud.volumes.put({ ...made, status: 'available', updated_at: cloud.stampMicros() });
}

function attach(cloud: SimulatedCloud, server: Server, one: Volume, boot: boolean): Server {
  const place = newServerVolume(cloud, server, one.id, { boot });
  const changed = cloud.servers.put({ ...server, volumes: [...server.volumes, place] });
  attachAtBoot(cloud, changed);
  return changed;
}

/** The first server boots from a volume and has a second one, the next has one; one is spare, one has a snapshot. */
export function addVolumes(
  cloud: SimulatedCloud,
  tenant: Tenant,
  supplies: Supplies,
  servers: readonly Server[],
): void {
  const [first, second] = servers;
  const [image] = supplies.images;
  if (!first || !image) return;
  const boot = volume(cloud, tenant, { name: `${first.name}-boot`, size: 2, imageRef: image.id });
  const data = volume(cloud, tenant, { name: `${first.name}-data`, size: 1 });
  const onVolume = { ...first, image_id: '', disk: [], volumes: [] };
  attach(cloud, attach(cloud, onVolume, boot, true), data, false);
  if (second)
    attach(
      cloud,
      second,
      volume(cloud, tenant, { name: `${second.name}-scratch`, size: 1 }),
      false,
    );
  volume(cloud, tenant, { name: 'spare', size: 1 });
  cloud.table('volume-snapshot').put({
    id: cloud.newId(),
    name: `${first.name}-data-before-upgrade`,
    description: null,
    volume_id: data.id,
    project_id: tenant.project.id,
    user_id: tenant.operator.id,
    status: 'available',
    size: data.size,
    metadata: {},
    created_at: cloud.stampMicros(),
    updated_at: cloud.stampMicros(),
  });
}

export function addServerGroup(
  cloud: SimulatedCloud,
  tenant: Tenant,
  servers: readonly Server[],
): void {
  cloud.table('server-group').put({
    id: cloud.newId(),
    name: `${tenant.plan.name}-spread`,
    policy: 'soft-anti-affinity',
    rules: {},
    members: servers.slice(0, 2).map((server) => server.id),
    project_id: tenant.project.id,
    user_id: tenant.operator.id,
  });
}
