/** What the simulated clouds keep: plain JSON objects, one row each. Only what has rules of its own is typed. */

export type Fields = Record<string, unknown>;

export interface Item {
  id: string;
  [key: string]: unknown;
}

/** A piece of a disk or an image: a file of the data folder, a text padded to 512 bytes, or zeros. */
export type Segment =
  | { blob: string; bytes: number }
  | { record: string; bytes: number }
  | { zeros: true; bytes: number };

/** Something that happens later. `at` is in milliseconds since 1970. */
export interface Due extends Item {
  at: number;
  task: string;
  subject: string;
  data: Fields;
}

export interface Image extends Item {
  name: string | null;
  owner: string;
  visibility: string;
  status: string;
  protected: boolean;
  disk_format: string | null;
  container_format: string | null;
  min_disk: number;
  min_ram: number;
  size: number | null;
  properties: Record<string, unknown>;
  tags: string[];
  segments: Segment[];
}

export interface Flavor extends Item {
  name: string;
  vcpus: number;
  ram: number;
  disk: number;
  ephemeral: number;
  swap: number;
  rxtx_factor: number;
  is_public: boolean;
  description: string | null;
  extra_specs: Record<string, string>;
  access: string[];
}

export interface ServerVolume {
  volume_id: string;
  device: string;
  boot: boolean;
  delete_on_termination: boolean;
  attachment_id: string;
  bdm_uuid: string;
}

export interface Server extends Item {
  name: string;
  project_id: string;
  user_id: string;
  image_id: string;
  flavor: Flavor;
  host: string | null;
  vm_state: string;
  task_state: string | null;
  power_state: number;
  metadata: Record<string, string>;
  tags: string[];
  key_name: string | null;
  user_data: string | null;
  description: string | null;
  locked: boolean;
  locked_reason: string | null;
  config_drive: boolean;
  zone: string;
  created: string;
  updated: string;
  launched_at: string | null;
  disk: Segment[];
  disk_format: string | null;
  image_properties: Record<string, unknown>;
  min_disk: number;
  /** Ports in the order of the server's network interfaces. */
  ports: string[];
  /** Ports that Nova made, and takes away with the server. */
  own_ports: string[];
  security_groups: string[];
  volumes: ServerVolume[];
  number: number;
  reservation_id: string;
  /** Names and roles of who booted it, as Nova writes them on snapshots. */
  booted_by: Fields;
  fault: Fields | null;
  actions: Fields[];
}

export interface Migration extends Item {
  number: number;
  server_id: string;
  source: string;
  dest: string | null;
  status: string;
  type: 'live-migration' | 'migration' | 'resize';
  user_id: string;
  project_id: string;
  created_at: string;
  updated_at: string | null;
  old_flavor: Flavor;
  new_flavor: Flavor;
  power_state: number;
  vm_state: string;
}

export interface Host extends Item {
  name: string;
  service_id: string;
  number: number;
  status: 'enabled' | 'disabled';
  disabled_reason: string | null;
  forced_down: boolean;
  updated_at: string;
  /** True until the host has been discovered: listed as a service, but nothing can be placed on it. */
  unmapped?: boolean;
}

/** A machine of the room that both clouds stand in; by its own name. */
export interface Machine extends Item {
  mac: string;
  /** The cloud whose nova-compute is installed on it, and as which host. */
  cloud: string;
  host: string;
  /** True while its nova-compute reports. */
  running: boolean;
}

/** A bare metal node of Ironic, as its API shows it, with the machine that it is. */
export interface Node extends Item {
  name: string | null;
  machine: string;
  provision_state: string;
  target_provision_state: string | null;
  power_state: string | null;
  target_power_state: string | null;
  last_error: string | null;
  reservation: string | null;
  maintenance: boolean;
  fault: string | null;
  extra: Fields;
  instance_info: Fields;
}

export interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

export interface Network extends Item {
  name: string;
  project_id: string;
  shared: boolean;
}

export interface Subnet extends Item {
  project_id: string;
  network_id: string;
  cidr: string;
  ip_version: number;
  gateway_ip: string | null;
  allocation_pools: { start: string; end: string }[];
}

export interface Port extends Item {
  name: string;
  project_id: string;
  network_id: string;
  mac_address: string;
  status: string;
  device_id: string;
  device_owner: string;
  fixed_ips: FixedIp[];
  security_groups: string[];
}

export interface Gateway {
  network_id: string;
  external_fixed_ips: FixedIp[];
  enable_snat: boolean;
}

export interface Router extends Item {
  project_id: string;
  external_gateway_info: Gateway | null;
}

export interface FloatingIp extends Item {
  project_id: string;
  floating_ip_address: string;
  floating_network_id: string;
  router_id: string | null;
  port_id: string | null;
  fixed_ip_address: string | null;
  status: string;
}

export interface Volume extends Item {
  name: string | null;
  project_id: string;
  status: string;
  size: number;
  bootable: boolean;
  attachments: Fields[];
  segments: Segment[];
}

export interface Assignment extends Item {
  role: string;
  /** `users` or `groups`. */
  actorKind: string;
  actor: string;
  /** `projects` or `domains`. */
  targetKind: string;
  target: string;
}
