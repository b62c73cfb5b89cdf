/** DELETE /hosts/{host_id}: to move a host from the source to the destination. Not built yet. */
import { PumphouseError } from '../lib/domain/errors.ts';
import { api } from '../lib/http/api.ts';
import { runtime } from '../lib/runtime.ts';

export const handler = api(async ({ parameter }) => {
  const id = parameter('host_id');
  const host = await runtime().world.get({ cloud: 'source', type: 'host', id });
  if (!host) throw new PumphouseError('ResourceNotFound', `The source has no host ${id}`);
  throw new PumphouseError(
    'NotImplemented',
    `Host ${id} stays in the source: reassigning hosts is not built yet`,
  );
});
