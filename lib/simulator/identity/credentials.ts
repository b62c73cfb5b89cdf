/** Application credentials: a secret that acts as its user in one project. */
import { randomBytes } from 'node:crypto';
import type { SimulatedCloud } from '../cloud.ts';
import type { Item } from '../model.ts';
import { roleIdsOf } from '../policy.ts';
import { omit, textOf } from '../reading.ts';
import { conflict, forbidden, notFound } from '../refusal.ts';
import { type Call, created, noContent, ok, type Routes, under } from '../router.ts';
import { links, resource } from './collections.ts';
import { hashSecret } from './passwords.ts';

/** Makes one; the secret is known to whoever made it and to nobody later. */
export function applicationCredential(
  cloud: SimulatedCloud,
  owner: { userId: string; projectId: string },
  name: string,
  secret: string,
  description: string | null = null,
): Item {
  return cloud.table('credential').put({
    id: cloud.newHexId(),
    name,
    description,
    user_id: owner.userId,
    project_id: owner.projectId,
    system: null,
    expires_at: null,
    unrestricted: null,
    secret_hash: hashSecret(secret),
  });
}

const view = (call: Call, item: Item) => ({
  ...omit(resource(call, 'application_credentials', item), ['secret_hash']),
  roles: roleIdsOf(call.cloud, textOf(item.user_id), textOf(item.project_id)).flatMap(
    (id) => call.cloud.table('role').get(id) ?? [],
  ),
});

function requireOwner(call: Call, rule: string): void {
  if (call.who.userId !== call.param('user') && !call.who.admin)
    throw forbidden(`You are not authorized to perform the requested action: identity:${rule}.`);
}

function get(call: Call): Item {
  requireOwner(call, 'get_application_credential');
  const item = call.cloud.table('credential').get(call.param('id'));
  if (item?.user_id !== call.param('user'))
    throw notFound(`Could not find Application Credential: ${call.param('id')}.`);
  return item;
}

const PATH = '/users/:user/application_credentials';

export const credentialRoutes: Routes = {
  [`GET ${PATH}`]: (call) => {
    requireOwner(call, 'list_application_credentials');
    const mine = call.cloud
      .table('credential')
      .where(
        (one) =>
          one.user_id === call.param('user') && (call.query.get('name') ?? one.name) === one.name,
      );
    return ok({ application_credentials: mine.map((one) => view(call, one)), links: links(call) });
  },
  [`GET ${PATH}/:id`]: (call) => ok({ application_credential: view(call, get(call)) }),
  [`POST ${PATH}`]: (call) => {
    const input = under(call, 'application_credential');
    if (call.who.userId !== call.param('user'))
      throw forbidden(
        'You are not authorized to perform the requested action: identity:create_application_credential.',
      );
    const taken = call.cloud
      .table('credential')
      .find((one) => one.user_id === call.who.userId && one.name === input.name);
    if (taken)
      throw conflict(
        'Conflict occurred attempting to store application_credential - Duplicate entry found with name.',
      );
    const secret = textOf(input.secret) || randomBytes(64).toString('base64url');
    const description = textOf(input.description) || null;
    const item = applicationCredential(
      call.cloud,
      call.who,
      textOf(input.name),
      secret,
      description,
    );
    return created({ application_credential: { ...view(call, item), secret } });
  },
  [`DELETE ${PATH}/:id`]: (call) => {
    call.cloud.table('credential').drop(get(call).id);
    return noContent();
  },
};
