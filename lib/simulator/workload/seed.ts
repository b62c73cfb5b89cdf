/** Makes the workload of one cloud from a seed. */
import { enrollNodes } from '../baremetal/nodes.ts';
import { offers, type SimulatedCloud } from '../cloud.ts';
import { shareServers, tenantPlans } from './company.ts';
import { giveAddresses, putUp, type Supplies } from './machines.ts';
import { type Secrets, type Staff, settleStaff, settleTenant, type Tenant } from './people.ts';
import { type Dice, dice } from './random.ts';
import { addServerGroup, addVolumes } from './storage.ts';
import { outsideNetwork, stockFlavors, stockHosts, stockImages } from './supplies.ts';
import { layOut } from './surroundings.ts';

export interface Size {
  seed: number;
  tenants: number;
  servers: number;
  imageMib: number;
}

const SERVERS_PER_HOST = 60;

/** Four hosts in two racks here, three in the hall over there; more when the servers would not fit. */
export function hostNames(cloud: string, servers: number): string[] {
  const isSource = cloud === 'source';
  const count = Math.max(isSource ? 4 : 3, Math.ceil(servers / SERVERS_PER_HOST));
  const name = (at: number) =>
    isSource ? `rack${Math.floor(at / 2) + 1}-node${(at % 2) + 1}` : `hall2-node${at + 1}`;
  return Array.from({ length: count }, (_, at) => name(at));
}

/** Room for a workload larger than the usual limits: on both sides, so that it can move. */
function raiseLimits(cloud: SimulatedCloud, size: Size): void {
  const servers = Math.max(10, size.servers * 2);
  const id = 'default';
  cloud
    .table('compute-quota')
    .put({ id, instances: servers, cores: servers * 4, ram: servers * 8192 });
  cloud.table('network-quota').put({
    id,
    port: Math.max(500, servers * 4),
    floatingip: 50,
    network: 100,
    security_group: 10,
  });
}

function furnish(
  cloud: SimulatedCloud,
  tenants: readonly Tenant[],
  supplies: Supplies,
  size: Size,
  die: Dice,
): void {
  const shares = shareServers(tenants.length, size.servers);
  for (const [at, tenant] of tenants.entries()) {
    const around = layOut(cloud, tenant, at, supplies.outside);
    const count = shares[at] ?? 0;
    const servers = Array.from({ length: count }, (_, number) =>
      putUp(cloud, tenant, around, supplies, number),
    );
    giveAddresses(cloud, tenant, supplies, servers, die);
    if (at === 1) addVolumes(cloud, tenant, supplies, servers);
    if (at === 2) addServerGroup(cloud, tenant, servers);
  }
}

export async function seedCloud(
  cloud: SimulatedCloud,
  size: Size,
  secrets: Secrets,
): Promise<void> {
  const die = dice(size.seed, cloud.name);
  cloud.drawIdsFrom(() => die.uuid());
  try {
    const isSource = cloud.name === 'source';
    raiseLimits(cloud, size);
    stockHosts(cloud, hostNames(cloud.name, size.servers));
    if (offers(cloud, 'baremetal')) enrollNodes(cloud, hostNames('source', size.servers));
    const staff: Staff = settleStaff(cloud, secrets);
    const tenants = isSource
      ? tenantPlans(size.tenants).map((plan) => settleTenant(cloud, staff, plan, secrets, die))
      : [];
    const ownerOf = (name: string | undefined) =>
      name === undefined
        ? staff.adminProject.id
        : tenants.find((tenant) => tenant.plan.name === name)?.project.id;
    const flavors = stockFlavors(cloud, isSource);
    const images = await stockImages(cloud, isSource, ownerOf, size.seed, size.imageMib);
    const outside = outsideNetwork(cloud, staff.adminProject.id);
    furnish(cloud, tenants, { flavors, images, outside }, size, die);
    for (const due of cloud.due.all()) cloud.due.drop(due.id);
  } finally {
    cloud.drawIdsFrom();
  }
}
