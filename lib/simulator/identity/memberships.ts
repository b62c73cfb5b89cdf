/** Users in groups. */
import type { Item } from '../model.ts';
import { revokeTokens } from '../policy.ts';
import { textOf } from '../reading.ts';
import { forbidden, notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes, under } from '../router.ts';
import { links, projectView, requireKeystoneAdmin, resource, userView } from './collections.ts';
import { hashSecret, secretFits } from './passwords.ts';
import { projectsOf } from './tokens.ts';

const get = (call: Call, kind: string, id: string): Item => {
  const item = call.cloud.table(kind).get(id);
  if (!item) throw notFound(`Could not find ${kind}: ${id}.`);
  return item;
};

const keyOf = (call: Call) => `${call.param('group')}/${call.param('user')}`;

function member(call: Call): Item {
  requireKeystoneAdmin(call, 'check_user_in_group');
  const [group, user] = [
    get(call, 'group', call.param('group')),
    get(call, 'user', call.param('user')),
  ];
  const found = call.cloud.table('membership').get(keyOf(call));
  if (!found) throw notFound(`User ${user.id} is not a member of the group ${group.id}.`);
  return found;
}

const requireSelf = (call: Call, rule: string) => {
  if (call.who.userId !== call.param('user')) requireKeystoneAdmin(call, rule);
};

export const membershipRoutes: Routes = {
  'PUT /groups/:group/users/:user': (call) => {
    requireKeystoneAdmin(call, 'add_user_to_group');
    const group = get(call, 'group', call.param('group'));
    const user = get(call, 'user', call.param('user'));
    call.cloud.table('membership').put({ id: keyOf(call), group_id: group.id, user_id: user.id });
    return noContent();
  },
  'GET /groups/:group/users/:user': (call) => {
    member(call);
    return noContent();
  },
  'DELETE /groups/:group/users/:user': (call) => {
    call.cloud.table('membership').drop(member(call).id);
    revokeTokens(call.cloud, call.param('user'));
    return noContent();
  },
  'GET /groups/:group/users': (call) => {
    requireKeystoneAdmin(call, 'list_users_in_group');
    const group = get(call, 'group', call.param('group'));
    const users = call.cloud
      .table('membership')
      .where((one) => one.group_id === group.id)
      .map((one) => userView(call, get(call, 'user', textOf(one.user_id))));
    return ok({ users, links: links(call) });
  },
  'GET /users/:user/groups': (call) => {
    requireSelf(call, 'list_groups_for_user');
    const user = get(call, 'user', call.param('user'));
    const groups = call.cloud
      .table('membership')
      .where((one) => one.user_id === user.id)
      .map((one) => ({
        ...resource(call, 'groups', get(call, 'group', textOf(one.group_id))),
        membership_expires_at: null,
      }));
    return ok({ groups, links: links(call) });
  },
  'GET /users/:user/projects': (call) => {
    requireSelf(call, 'list_user_projects');
    const user = get(call, 'user', call.param('user'));
    const projects = projectsOf(call.cloud, user.id).map((one) => projectView(call, one));
    return ok({ projects, links: links(call) });
  },
  'POST /users/:user/password': (call) => {
    const user = get(call, 'user', call.param('user'));
    const given = under(call, 'user');
    if (!secretFits(textOf(given.original_password), user.password_hash))
      throw forbidden('You are not authorized to perform the requested action.');
    user.password_hash = hashSecret(textOf(given.password));
    call.cloud.table('user').put(user);
    revokeTokens(call.cloud, user.id);
    return noContent();
  },
};
