/** The company whose clouds these are: what its departments are called and what they run. */

export interface TenantPlan {
  name: string;
  description: string;
  domain: 'default' | 'corp';
  roles: readonly string[];
  people: readonly [string, string, string];
}

const DEPARTMENTS: readonly Omit<TenantPlan, 'domain'>[] = [
  {
    name: 'web-shop',
    description: 'Online shop: storefront, checkout, search',
    roles: ['storefront', 'storefront', 'checkout', 'search', 'session-cache', 'batch-mailer'],
    people: ['anna.keller', 'tom.brandt', 'mira.novak'],
  },
  {
    name: 'data-platform',
    description: 'Warehouse and reporting',
    roles: ['warehouse-db', 'etl', 'report'],
    people: ['jonas.weber', 'lea.marek', 'omar.haddad'],
  },
  {
    name: 'finance',
    description: 'Ledger and invoices',
    roles: ['ledger', 'invoice', 'archive'],
    people: ['petra.svoboda', 'ivan.horak', 'nina.graf'],
  },
  {
    name: 'research',
    description: 'Experiments, thrown away often',
    roles: ['notebook', 'simulation', 'gateway'],
    people: ['karl.lind', 'eva.duarte', 'samir.khan'],
  },
  {
    name: 'logistics',
    description: 'Warehouses, routes and parcels',
    roles: ['routing', 'tracking', 'label-printer'],
    people: ['greta.olsen', 'marek.zeman', 'julia.rossi'],
  },
  {
    name: 'support',
    description: 'Tickets and telephony',
    roles: ['helpdesk', 'pbx', 'wiki'],
    people: ['felix.baum', 'carla.mendes', 'david.stone'],
  },
];

/** The departments, and branches of them when more tenants are wanted. The fourth has its own domain. */
export function tenantPlans(count: number): TenantPlan[] {
  return Array.from({ length: count }, (_, at) => {
    const plan = DEPARTMENTS[at % DEPARTMENTS.length] as (typeof DEPARTMENTS)[number];
    const round = Math.floor(at / DEPARTMENTS.length);
    const suffix = round === 0 ? '' : `-${round + 1}`;
    const [ops, audit, deploy] = plan.people.map((name) => name + suffix);
    return {
      ...plan,
      name: plan.name + suffix,
      domain: at === 3 ? 'corp' : 'default',
      people: [ops ?? '', audit ?? '', deploy ?? ''] as const,
    };
  });
}

/** How many servers each tenant has: the first one clearly the most. */
export function shareServers(tenants: number, servers: number): number[] {
  if (tenants <= 1) return [servers];
  const first = Math.max(Math.ceil(servers * 0.4), Math.ceil(servers / tenants) + 1);
  const rest = Math.max(servers - first, 0);
  const others = tenants - 1;
  const share = (at: number) => Math.floor(rest / others) + (at < rest % others ? 1 : 0);
  return [servers - rest, ...Array.from({ length: others }, (_, at) => share(at))];
}

export const FLAVORS = [
  { name: 'm1.tiny', vcpus: 1, ram: 512, disk: 1, everywhere: true, specs: {} },
  { name: 'm1.small', vcpus: 1, ram: 2048, disk: 5, everywhere: true, specs: {} },
  {
    name: 'm1.medium',
    vcpus: 2,
    ram: 4096,
    disk: 10,
    everywhere: false,
    specs: { 'hw:cpu_policy': 'shared' },
  },
  { name: 'c2.large', vcpus: 4, ram: 8192, disk: 20, everywhere: false, specs: {} },
] as const;

export interface ImagePlan {
  name: string;
  format: 'raw' | 'qcow2';
  visibility: string;
  everywhere: boolean;
  properties: Record<string, string>;
  /** Name of the tenant that owns it; without one it is the admin project's. */
  tenant?: string;
}

export const IMAGES: readonly ImagePlan[] = [
  {
    name: 'cirros-0.6.2',
    format: 'raw',
    visibility: 'public',
    everywhere: true,
    properties: { os_distro: 'cirros', os_version: '0.6.2' },
  },
  {
    name: 'debian-12-generic',
    format: 'qcow2',
    visibility: 'public',
    everywhere: false,
    properties: { os_distro: 'debian', os_version: '12', hw_disk_bus: 'virtio' },
  },
  {
    name: 'ubuntu-24.04-server',
    format: 'qcow2',
    visibility: 'public',
    everywhere: false,
    properties: { os_distro: 'ubuntu', os_version: '24.04' },
  },
  {
    name: 'shop-golden',
    format: 'raw',
    visibility: 'private',
    everywhere: false,
    properties: { os_distro: 'debian', build: '2026-03' },
    tenant: 'web-shop',
  },
];
