/** Domains, projects, users, groups and roles of the workload. */
import type { SimulatedCloud } from '../cloud.ts';
import { fingerprintOf } from '../compute/keypairs.ts';
import { grant } from '../identity/assignments.ts';
import { applicationCredential } from '../identity/credentials.ts';
import { hashSecret } from '../identity/passwords.ts';
import type { Item } from '../model.ts';
import type { TenantPlan } from './company.ts';
import { type Dice, publicKey } from './random.ts';

export interface Secrets {
  admin: string;
  credential: string;
  /** Password of a tenant's operator, by the tenant's name. */
  tenants: Record<string, string>;
}

export interface Tenant {
  plan: TenantPlan;
  project: Item;
  /** The member who runs the servers. */
  operator: Item;
  keyName: string;
}

const IMMUTABLE = { immutable: true };

function role(cloud: SimulatedCloud, name: string, options = {}): Item {
  const id = cloud.newHexId();
  return cloud.table('role').put({ id, name, domain_id: null, description: null, options });
}

function domain(cloud: SimulatedCloud, id: string, name: string, description: string): void {
  const fields = { id, name, description, enabled: true, tags: [], options: {} };
  cloud.table('domain').put(fields);
}

function project(cloud: SimulatedCloud, name: string, description: string, domainId: string): Item {
  return cloud.table('project').put({
    id: cloud.newHexId(),
    name,
    domain_id: domainId,
    description,
    enabled: true,
    parent_id: domainId,
    is_domain: false,
    tags: [],
    options: {},
  });
}

function user(cloud: SimulatedCloud, name: string, domainId: string, password: string): Item {
  return cloud.table('user').put({
    id: cloud.newHexId(),
    name,
    domain_id: domainId,
    enabled: true,
    password_expires_at: null,
    options: {},
    password_hash: hashSecret(password),
  });
}

const assign = (cloud: SimulatedCloud, actor: Item, target: Item, held: Item, kind = 'users') =>
  grant(cloud, {
    targetKind: 'projects',
    target: target.id,
    actorKind: kind,
    actor: actor.id,
    role: held.id,
  });

export interface Staff {
  admin: Item;
  adminProject: Item;
  roles: Record<'admin' | 'member' | 'reader' | 'service' | 'deployer', Item>;
  corp: string;
}

/** What every cloud has before the first tenant. */
export function settleStaff(cloud: SimulatedCloud, secrets: Secrets): Staff {
  domain(cloud, 'default', 'Default', 'The default domain');
  const corp = cloud.newHexId();
  domain(cloud, corp, 'corp', 'Users of the company directory');
  const roles = {
    admin: role(cloud, 'admin', IMMUTABLE),
    member: role(cloud, 'member', IMMUTABLE),
    reader: role(cloud, 'reader', IMMUTABLE),
    service: role(cloud, 'service'),
    deployer: role(cloud, 'deployer'),
  };
  const adminProject = project(
    cloud,
    'admin',
    'Bootstrap project for initializing the cloud.',
    'default',
  );
  const services = project(cloud, 'service', 'Service Project', 'default');
  const admin = user(cloud, 'admin', 'default', secrets.admin);
  assign(cloud, admin, adminProject, roles.admin);
  for (const name of ['nova', 'glance', 'neutron', 'cinder', 'placement']) {
    const one = user(cloud, name, 'default', secrets.admin);
    assign(cloud, one, services, roles.admin);
    assign(cloud, one, services, roles.service);
  }
  if (cloud.name === 'source')
    applicationCredential(
      cloud,
      { userId: admin.id, projectId: adminProject.id },
      'pumphouse',
      secrets.credential,
      'for Pumphouse',
    );
  return { admin, adminProject, roles, corp };
}

/** A project with an operator, an auditor, a deployer and a group; the operator has a key. */
export function settleTenant(
  cloud: SimulatedCloud,
  staff: Staff,
  plan: TenantPlan,
  secrets: Secrets,
  die: Dice,
): Tenant {
  const domainId = plan.domain === 'corp' ? staff.corp : 'default';
  const home = project(cloud, plan.name, plan.description, domainId);
  home.tags = ['team', plan.name];
  const [ops, audit, deploy] = plan.people;
  const password = secrets.tenants[plan.name] ?? '';
  const operator = user(cloud, ops, domainId, password);
  operator.email = `${ops}@example.com`;
  const auditor = user(cloud, audit, domainId, cloud.newHexId());
  const deployer = user(cloud, deploy, domainId, cloud.newHexId());
  assign(cloud, operator, home, staff.roles.member);
  assign(cloud, auditor, home, staff.roles.reader);
  assign(cloud, deployer, home, staff.roles.member);
  assign(cloud, deployer, home, staff.roles.deployer);
  const team = cloud.table('group').put({
    id: cloud.newHexId(),
    name: `${plan.name}-team`,
    domain_id: domainId,
    description: `People of ${plan.name}`,
  });
  assign(cloud, team, home, staff.roles.reader, 'groups');
  for (const one of [operator, deployer])
    cloud
      .table('membership')
      .put({ id: `${team.id}/${one.id}`, group_id: team.id, user_id: one.id });
  return { plan, project: home, operator, keyName: keypair(cloud, operator, die) };
}

function keypair(cloud: SimulatedCloud, owner: Item, die: Dice): string {
  const name = `${String(owner.name).replace('.', '-')}-key`;
  const key = publicKey(die, `${owner.name}@example.com`);
  cloud.table('keypair').put({
    id: `${owner.id}/${name}`,
    number: cloud.next('keypair'),
    type: 'ssh',
    name,
    public_key: key,
    fingerprint: fingerprintOf(key),
    user_id: owner.id,
    created_at: cloud.stampMicros(),
    deleted: false,
    deleted_at: null,
    updated_at: null,
  });
  return name;
}
