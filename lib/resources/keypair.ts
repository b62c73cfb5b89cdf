import { isError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import { all, differing, type ResourceType } from './resource-type.ts';
import { type User, user } from './user.ts';

/** https://docs.openstack.org/api-ref/compute/#keypairs-keypairs */
export interface Keypair {
  name: string;
  public_key: string;
  fingerprint: string;
  type: string;
  user_id: string;
}

const keypairsOf = async (cloud: Cloud, userId: string): Promise<Keypair[]> => {
  const listed = cloud.list<{ keypair: Keypair }>('compute', '/os-keypairs', 'keypairs', {
    query: { user_id: userId },
  });
  return (await all(listed)).map(({ keypair }) => ({ ...keypair, user_id: userId }));
};

/** @param userId absent for the user's own; an administrator may name another (microversion 2.10) */
export const getKeypair = async (cloud: Cloud, name: string, userId?: string) => {
  const path = `/os-keypairs/${encodeURIComponent(name)}`;
  const query = { user_id: userId };
  return (await cloud.get<{ keypair: Keypair }>('compute', path, { query })).keypair;
};

/** A public key of one of the tenant's users. Keys belong to users, not to projects. */
export const keypair: ResourceType<Keypair> = {
  type: 'keypair',
  scope: 'tenant',
  created: 'keypair created',
  id: ({ user_id, name }) => `${user_id}/${name}`,
  label: ({ name }) => name,

  async discover({ source, found }) {
    const keypairs = found(user).map(({ id }) => keypairsOf(source, id));
    return (await Promise.all(keypairs)).flat();
  },

  get(source, id) {
    const [userId = ''] = id.split('/');
    return getKeypair(source, id.slice(userId.length + 1), userId);
  },

  needs: ({ user_id }) => [{ type: 'user', id: user_id }],

  async find({ destination, ids }, { user_id, name }) {
    const owner = ids.maybe('user', user_id);
    if (!owner) return [];
    try {
      const body = await getKeypair(destination, name, owner);
      return [{ id: `${owner}/${name}`, body }];
    } catch (error) {
      if (isError(error, 'ResourceNotFound')) return [];
      throw error;
    }
  },

  differences: (mine, theirs) => differing(mine, theirs, ['fingerprint', 'type']),

  async create({ destination, ids }, { name, public_key, type, user_id }) {
    const owner = ids.of('user', user_id);
    const body = { keypair: { name, public_key, type, user_id: owner } };
    await destination.post('compute', '/os-keypairs', body);
    return `${owner}/${name}`;
  },

  event: ({ name }) => ({ name }),

  removal: {
    event: 'keypair delete',
    /** Those of marked users; and of our own user those that are marked themselves. */
    async *find(cloud, mark) {
      const { userId } = await cloud.self();
      const owners = cloud.list<User>('identity', '/users', 'users');
      for await (const { id, name: owner } of owners) {
        if (!mark.bears(owner) && id !== userId) continue;
        for (const { name } of await keypairsOf(cloud, id)) {
          if (mark.bears(owner) || mark.bears(name)) yield { id: `${id}/${name}`, name };
        }
      }
    },
    remove(cloud, id) {
      const [user_id = ''] = id.split('/');
      const path = `/os-keypairs/${encodeURIComponent(id.slice(user_id.length + 1))}`;
      return cloud.delete('compute', path, { query: { user_id } });
    },
  },
};
