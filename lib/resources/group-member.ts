import { group, groupMembers } from './group.ts';
import type { ResourceType } from './resource-type.ts';
import { user } from './user.ts';

/** That a user is in a group. */
export interface GroupMember {
  group: string;
  user: string;
}

const split = (id: string): GroupMember => {
  const [groupId = '', userId = ''] = id.split('/');
  return { group: groupId, user: userId };
};

/** A user's place in a group; a PUT that may be said as often as one likes. */
export const groupMember: ResourceType<GroupMember> = {
  type: 'group_member',
  scope: 'tenant',
  id: (body) => `${body.group}/${body.user}`,
  label: (body) => `${body.user} in ${body.group}`,

  async discover({ source, found }) {
    const known = new Set(found(user).map(({ id }) => id));
    const members = found(group).map(async ({ id }) =>
      (await groupMembers(source, id)).map((member) => ({ group: id, user: member.id })),
    );
    return (await Promise.all(members)).flat().filter((member) => known.has(member.user));
  },

  get: async (_source, id) => split(id),

  needs: (body) => [
    { type: 'group', id: body.group },
    { type: 'user', id: body.user },
  ],

  async find({ destination, ids }, body) {
    const [groupId, userId] = [ids.maybe('group', body.group), ids.maybe('user', body.user)];
    if (!groupId || !userId) return [];
    const members = await groupMembers(destination, groupId);
    return members.some(({ id }) => id === userId) ? [{ id: `${groupId}/${userId}`, body }] : [];
  },

  differences: () => [],

  async create({ destination, ids }, body) {
    const [groupId, userId] = [ids.of('group', body.group), ids.of('user', body.user)];
    await destination.put('identity', `/groups/${groupId}/users/${userId}`, undefined);
    return `${groupId}/${userId}`;
  },

  event: () => ({}),
};
