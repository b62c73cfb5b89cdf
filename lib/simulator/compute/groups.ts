/** Server groups. Their policy is kept and shown; the simulated scheduler does not follow it. */
import type { Fields, Item, Server } from '../model.ts';
import { mayUse, requireAdmin } from '../policy.ts';
import { listOf, recordOf, textOf } from '../reading.ts';
import { badRequest, forbidden, notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes, under } from '../router.ts';
import { groupLimit } from './quotas.ts';

const SINGLE_POLICY_SINCE = 64;
const POLICIES = ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'];

const view = (call: Call, group: Item): Fields => ({
  id: group.id,
  name: group.name,
  ...(call.version >= SINGLE_POLICY_SINCE
    ? { policy: group.policy, rules: group.rules }
    : { policies: [group.policy], metadata: {} }),
  members: group.members,
  ...(call.version >= 13 ? { project_id: group.project_id, user_id: group.user_id } : {}),
});

function groupOf(call: Call): Item {
  const group = call.cloud.table('server-group').get(call.param('id'));
  if (!group || !mayUse(call, group.project_id))
    throw notFound(`Instance group ${call.param('id')} could not be found.`);
  return group;
}

function create(call: Call) {
  const input = under(call, 'server_group');
  const policy = textOf(input.policy) || textOf(listOf(input.policies)[0]);
  if (!textOf(input.name) || !POLICIES.includes(policy))
    throw badRequest(`Invalid input for field/attribute server_group. Value: ${policy}.`);
  const mine = call.cloud
    .table('server-group')
    .where((one) => one.project_id === call.who.projectId);
  if (mine.length >= groupLimit(call)) throw forbidden('Quota exceeded, too many server groups.');
  const group = call.cloud.table('server-group').put({
    id: call.cloud.newId(),
    name: textOf(input.name),
    policy,
    rules: recordOf(input.rules),
    members: [],
    project_id: call.who.projectId,
    user_id: call.who.userId,
  });
  return ok({ server_group: view(call, group) });
}

/** A server that is booted with the hint `group` becomes its member. */
export function joinGroup(call: Call, server: Server): void {
  const id = textOf(recordOf(server.hints).group);
  const group = call.cloud.table('server-group').get(id);
  if (group)
    call.cloud
      .table('server-group')
      .put({ ...group, members: [...listOf(group.members), server.id] });
}

export const serverGroupRoutes: Routes = {
  'GET /os-server-groups': (call) => {
    const everyone = call.query.has('all_projects');
    if (everyone) requireAdmin(call, 'os_compute_api:os-server-groups:index:all_projects');
    const groups = call.cloud
      .table('server-group')
      .where((one) => everyone || one.project_id === call.who.projectId);
    // Alone among Nova's lists it pages by offset: nova/api/openstack/common.py limited().
    const offset = Number(call.query.get('offset') ?? 0);
    const limit = Number(call.query.get('limit') || call.cloud.maxPage);
    const shown = groups.slice(offset, offset + Math.min(limit, call.cloud.maxPage));
    return ok({ server_groups: shown.map((one) => view(call, one)) });
  },
  'POST /os-server-groups': create,
  'GET /os-server-groups/:id': (call) => ok({ server_group: view(call, groupOf(call)) }),
  'DELETE /os-server-groups/:id': (call) => {
    call.cloud.table('server-group').drop(groupOf(call).id);
    return noContent();
  },
};
