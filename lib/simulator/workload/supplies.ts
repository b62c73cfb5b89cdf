/** What tenants build with: flavors, images, hosts, the outside network. */

import { macOf } from '../baremetal/ports.ts';
import type { SimulatedCloud } from '../cloud.ts';
import { fillImage } from '../image/files.ts';
import { newImage } from '../image/images.ts';
import type { Flavor, Image, Network } from '../model.ts';
import { reportAgent } from '../network/agents.ts';
import { makeOne } from '../network/collection.ts';
import { NETWORKS, SUBNETS } from '../network/networks.ts';
import { FLAVORS, IMAGES, type ImagePlan } from './company.ts';
import { insider } from './insider.ts';
import { diskBytes } from './random.ts';

const MIB = 2 ** 20;
const QCOW2_HEADER_BYTES = 104;

export function stockFlavors(cloud: SimulatedCloud, isSource: boolean): Flavor[] {
  return FLAVORS.filter((plan) => isSource || plan.everywhere).map((plan) =>
    cloud.flavors.put({
      id: cloud.newId(),
      name: plan.name,
      vcpus: plan.vcpus,
      ram: plan.ram,
      disk: plan.disk,
      ephemeral: 0,
      swap: 0,
      rxtx_factor: 1,
      is_public: plan.name !== 'c2.large',
      description: null,
      extra_specs: { ...plan.specs },
      access: [],
    }),
  );
}

/** Magic, version 3 and the virtual size: as much of a qcow2 header as anybody here reads. */
function qcow2Header(virtualBytes: number): Buffer {
  const header = Buffer.alloc(QCOW2_HEADER_BYTES);
  header.write('QFI\xfb', 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(virtualBytes), 24);
  header.writeUInt32BE(QCOW2_HEADER_BYTES, 100);
  return header;
}

async function stockImage(
  cloud: SimulatedCloud,
  plan: ImagePlan,
  owner: string,
  seed: number,
  mib: number,
): Promise<Image> {
  const size = mib * MIB;
  const header = plan.format === 'qcow2' ? qcow2Header(size * 4) : Buffer.alloc(0);
  const image = newImage(cloud, {
    ...plan.properties,
    name: plan.name,
    owner,
    visibility: plan.visibility,
    disk_format: plan.format,
    container_format: 'bare',
    min_disk: 1,
  });
  const kept = await cloud.bytes.keep(diskBytes(seed, plan.name, size, header));
  return fillImage(cloud, image, [{ blob: kept.blob, bytes: kept.size }], kept);
}

/** `ownerOf` gives the project of a tenant's own image, or undefined when there is no such tenant. */
export async function stockImages(
  cloud: SimulatedCloud,
  isSource: boolean,
  ownerOf: (tenant: string | undefined) => string | undefined,
  seed: number,
  mib: number,
): Promise<Image[]> {
  const images: Image[] = [];
  for (const [at, plan] of IMAGES.entries()) {
    const owner = ownerOf(plan.tenant);
    if (!owner || !(isSource || plan.everywhere)) continue;
    images.push(await stockImage(cloud, plan, owner, seed, mib + at));
  }
  return images;
}

export function stockHosts(cloud: SimulatedCloud, names: readonly string[]): void {
  for (const [at, name] of names.entries()) {
    cloud.machines.put({
      id: name,
      mac: macOf(name),
      cloud: cloud.name,
      host: name,
      running: true,
    });
    reportAgent(cloud, name);
    cloud.hosts.put({
      id: cloud.newId(),
      name,
      service_id: cloud.newId(),
      number: at + 1,
      status: 'enabled',
      disabled_reason: null,
      forced_down: false,
      updated_at: cloud.stampMicros(),
    });
  }
  cloud.table('aggregate').put({
    id: '1',
    uuid: cloud.newId(),
    name: 'rack-1',
    hosts: names.slice(0, 2),
    metadata: { rack: '1' },
    created_at: cloud.stampMicros(),
    updated_at: null,
    deleted_at: null,
    deleted: false,
    availability_zone: null,
  });
  cloud.table('volume-type').put({
    id: cloud.newId(),
    name: 'standard',
    is_public: true,
    description: null,
    extra_specs: { volume_backend_name: 'file' },
    qos_specs_id: null,
  });
}

/** The same provider network on both sides: addresses can move with their tenants. */
export function outsideNetwork(cloud: SimulatedCloud, projectId: string): Network {
  const call = insider(cloud, projectId);
  const network = makeOne(call, NETWORKS, {
    name: 'public',
    mtu: 1500,
    'router:external': true,
    'provider:network_type': 'flat',
    'provider:physical_network': 'external',
  });
  makeOne(call, SUBNETS, {
    name: 'public-v4',
    network_id: network.id,
    ip_version: 4,
    cidr: '198.18.0.0/20',
    gateway_ip: '198.18.0.1',
    allocation_pools: [{ start: '198.18.1.0', end: '198.18.15.250' }],
    enable_dhcp: false,
  });
  return network;
}
