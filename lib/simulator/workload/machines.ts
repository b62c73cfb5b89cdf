/** A tenant's servers with their ports and addresses, as if they had been running for a while. */
import { guestRecord } from '../bytes.ts';
import { micros } from '../clock.ts';
import type { SimulatedCloud } from '../cloud.ts';
import { pickHost } from '../compute/hosts.ts';
import { newServer } from '../compute/newborn.ts';
import { hostnameOf } from '../compute/view.ts';
import type { Flavor, Image, Item, Network, Port, Server } from '../model.ts';
import { makeOne } from '../network/collection.ts';
import { FLOATING_IPS } from '../network/floating.ts';
import { attachPort, PORTS } from '../network/ports.ts';
import { insider } from './insider.ts';
import type { Tenant } from './people.ts';
import type { Dice } from './random.ts';
import type { Surroundings } from './surroundings.ts';

const STATES = [
  { vm_state: 'active', power_state: 1 },
  { vm_state: 'active', power_state: 1 },
  { vm_state: 'stopped', power_state: 4 },
  { vm_state: 'paused', power_state: 3 },
  { vm_state: 'suspended', power_state: 4 },
  { vm_state: 'active', power_state: 1 },
] as const;

export interface Supplies {
  flavors: Flavor[];
  images: Image[];
  outside: Network;
}

/** The front port has a name and a MAC of its own; Nova would have made the others itself. */
function portsFor(
  cloud: SimulatedCloud,
  tenant: Tenant,
  around: Surroundings,
  name: string,
  number: number,
): { ports: Port[]; own: string[] } {
  const call = insider(cloud, tenant.project.id, tenant.operator.id);
  const groups = around.groups.map((group: Item) => group.id);
  const isMadeBefore = number % 2 === 0;
  const front = makeOne(call, PORTS, {
    network_id: around.front.id,
    name: isMadeBefore ? `${name}-front` : '',
    security_groups: number % 3 === 2 ? groups.slice(1) : groups,
    ...(number === 0 ? { allowed_address_pairs: [{ ip_address: '10.20.0.10' }] } : {}),
  });
  const own = isMadeBefore ? [] : [front.id];
  if (number % 3 !== 1) return { ports: [front], own };
  const back = makeOne(call, PORTS, {
    network_id: around.back.id,
    security_groups: groups.slice(1),
  });
  return { ports: [front, back], own: [...own, back.id] };
}

function imageFor(supplies: Supplies, tenant: Tenant, number: number): Image {
  const usable = supplies.images.filter(
    (image) => image.visibility === 'public' || image.owner === tenant.project.id,
  );
  return usable[number % usable.length] as Image;
}

const numberedName = (roles: readonly string[], number: number): string => {
  const role = roles[number % roles.length] ?? 'server';
  const round = Math.floor(number / roles.length);
  const sameRole = roles.filter((one) => one === role).length;
  const before = roles.slice(0, number % roles.length).filter((one) => one === role).length;
  return `${role}-${String(round * sameRole + before + 1).padStart(2, '0')}`;
};

/** What the seed decides about a server, beside what every server has. */
const settings = (tenant: Tenant, around: Surroundings, number: number) => ({
  ...(STATES[number % STATES.length] ?? STATES[0]),
  task_state: null,
  key_name: tenant.keyName,
  user_data: number === 0 ? Buffer.from('#cloud-config\n').toString('base64') : null,
  security_groups: around.groups.map((group) => group.id),
  booted_by: {
    owner_user_name: tenant.operator.name,
    owner_project_name: tenant.project.name,
    boot_roles: 'member,reader',
  },
});

/** Puts up one server; `number` counts within its tenant and decides what kind it is. */
export function putUp(
  cloud: SimulatedCloud,
  tenant: Tenant,
  around: Surroundings,
  supplies: Supplies,
  number: number,
): Server {
  const call = insider(cloud, tenant.project.id, tenant.operator.id);
  const { roles } = tenant.plan;
  const name = numberedName(roles, number);
  const image = imageFor(supplies, tenant, number);
  const flavor = supplies.flavors[number % 3] as Flavor;
  const { ports, own } = portsFor(cloud, tenant, around, name, number);
  const fresh = newServer(call, name, flavor, image);
  const host = pickHost(cloud, fresh, '') ?? null;
  for (const port of ports)
    attachPort({ cloud }, port, {
      device_id: fresh.id,
      device_owner: 'compute:nova',
      'binding:host_id': host,
    });
  return cloud.servers.put({
    ...fresh,
    ...settings(tenant, around, number),
    host,
    launched_at: micros(cloud.now()),
    metadata: { role: roles[number % roles.length] ?? 'server' },
    disk: [...image.segments, guestRecord(fresh.id, hostnameOf(name))],
    ports: ports.map((port) => port.id),
    own_ports: own,
  });
}

/** One address for the first server, one that nobody uses. */
export function giveAddresses(
  cloud: SimulatedCloud,
  tenant: Tenant,
  supplies: Supplies,
  servers: readonly Server[],
  die: Dice,
): void {
  const call = insider(cloud, tenant.project.id, tenant.operator.id);
  const ask = (more: Record<string, unknown>) =>
    makeOne(call, FLOATING_IPS, {
      floating_network_id: supplies.outside.id,
      floating_ip_address: freeAddress(cloud, die),
      ...more,
    });
  const [first] = servers;
  if (first) ask({ port_id: first.ports[0], description: first.name });
  ask({ description: 'spare' });
}

function freeAddress(cloud: SimulatedCloud, die: Dice): string {
  for (;;) {
    const address = `198.18.${4 + die.below(11)}.${10 + die.below(230)}`;
    const taken = cloud.floatingIps.find((ip) => ip.floating_ip_address === address);
    if (!taken) return address;
  }
}
