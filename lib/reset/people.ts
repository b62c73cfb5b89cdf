/** Who works in the rehearsal: tenants, users with a role and a key each, and our own way in. */
import { generateKeyPairSync } from 'node:crypto';
import { PumphouseError } from '../domain/errors.ts';
import type { Workload, WorkloadTenant } from '../domain/workload.ts';
import type { Cloud } from '../ports.ts';
import { getKeypair } from '../resources/keypair.ts';
import { present } from '../resources/resource-type.ts';
import type { Ground, Step } from './step.ts';

type Named = 'project' | 'user' | 'role';

const find = async (cloud: Cloud, what: Named, name: string, domain_id?: string) => {
  const query = { name, ...(domain_id && { domain_id }) };
  const path = `/${what}s`;
  const listed = cloud.list<{ id: string; name: string }>('identity', path, `${what}s`, { query });
  for await (const one of listed) if (one.name === name) return one.id;
  return undefined;
};

const make = async (cloud: Cloud, what: Named, body: object) => {
  const path = `/${what}s`;
  return (await cloud.post<Record<string, { id: string }>>('identity', path, { [what]: body }))[
    what
  ]?.id as string;
};

export const roleStep = (label: string, key: string): Step => ({
  ...{ type: 'role', key, label, wave: 0 },
  find: ({ cloud }) => find(cloud, 'role', label),
  make: ({ cloud }) => make(cloud, 'role', { name: label }),
  tell: (_ground, id) => [{ name: 'role created', data: { id, name: label } }],
});

export const tenantStep = (label: string, { name: key, description }: WorkloadTenant): Step => ({
  ...{ type: 'tenant', key, label, wave: 0 },
  find: ({ cloud, domainId }) => find(cloud, 'project', label, domainId),
  make: ({ cloud, domainId: domain_id }) =>
    make(cloud, 'project', { name: label, description, domain_id }),
  tell: (_ground, id) => [{ name: 'tenant create', data: { id, name: label, description } }],
});

/** Without a password: none is shared, and nobody is to be surprised by one. */
export const userStep = (label: string, key: string): Step => ({
  ...{ type: 'user', key, label, wave: 0 },
  find: ({ cloud, domainId }) => find(cloud, 'user', label, domainId),
  make: ({ cloud, domainId: domain_id }) => make(cloud, 'user', { name: label, domain_id }),
  tell: (_ground, id) => [{ name: 'user created', data: { id, name: label } }],
});

const roleId = async ({ cloud, ids }: Ground, name: string): Promise<string> => {
  const found = ids.maybe('role', name) ?? (await find(cloud, 'role', name));
  if (found) return found;
  throw new PumphouseError('ResourceNotFound', `The source has no role named ${name}`);
};

/** A role of a user in a tenant; its id is the path that is put and deleted. */
const held = async (ground: Ground, tenant: string, userId: string, role: string) => {
  const project = ground.ids.of('tenant', tenant);
  return `/projects/${project}/users/${userId}/roles/${await roleId(ground, role)}`;
};

const assigning = (path: (ground: Ground) => Promise<string>): Pick<Step, 'find' | 'make'> => ({
  async find(ground) {
    const known = await present(ground.cloud.get('identity', await path(ground)).then(() => true));
    return known ? path(ground) : undefined;
  },
  async make(ground) {
    await ground.cloud.put('identity', await path(ground), undefined);
    return path(ground);
  },
});

export const assignmentStep = (
  label: string,
  tenant: string,
  { name: user, role = 'member' }: WorkloadTenant['users'][number],
): Step => ({
  ...{ type: 'assignment', key: `${tenant}/${user}/${role}`, label, wave: 2 },
  ...assigning((ground) => held(ground, tenant, ground.ids.of('user', user), role)),
  async tell(ground) {
    const [id, tenant_id] = [ground.ids.of('user', user), ground.ids.of('tenant', tenant)];
    const data = { id, role_id: await roleId(ground, role), tenant_id };
    return [{ name: 'user role assigned', data }];
  },
});

/** The role in which our own user acts in a tenant, and which it takes back in the end. */
const OURS = 'member';

export const grantStep = (tenant: string): Step => ({
  ...{ type: 'grant', key: tenant, label: tenant, wave: 1 },
  ...assigning((ground) => held(ground, tenant, ground.userId, OURS)),
});

/** A public key in OpenSSH's form, of which nobody has the private half. */
const publicKey = (comment: string): string => {
  const { publicKey: key } = generateKeyPairSync('ed25519');
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const point = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(point)]);
  return `ssh-ed25519 ${blob.toString('base64')} ${comment}`;
};

export const keypairStep = (label: string, user: string, key: string): Step => ({
  ...{ type: 'keypair', key: `${user}/${key}`, label, wave: 1 },
  async find({ cloud, ids }) {
    const owner = ids.of('user', user);
    return (await present(getKeypair(cloud, label, owner))) && `${owner}/${label}`;
  },
  async make({ cloud, ids }) {
    const user_id = ids.of('user', user);
    const body = { name: label, public_key: publicKey(label), type: 'ssh', user_id };
    await cloud.post('compute', '/os-keypairs', { keypair: body });
    return `${user_id}/${label}`;
  },
  tell: (_ground, id) => [{ name: 'keypair created', data: { id, name: label } }],
});

/** Everything about people that a workload asks for, each once. */
export const peopleSteps = ({ roles, tenants }: Workload, named: (name: string) => string) => [
  ...roles.map(({ name }) => roleStep(named(name), name)),
  ...tenants.flatMap((tenant) => [
    tenantStep(named(tenant.name), tenant),
    grantStep(tenant.name),
    ...tenant.users.flatMap((user) => [
      userStep(named(user.name), user.name),
      assignmentStep(named(user.name), tenant.name, user),
      ...(user.keypair ? [keypairStep(named(user.keypair), user.name, user.keypair)] : []),
    ]),
  ]),
];
