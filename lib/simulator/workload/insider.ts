/** A call from inside: the workload is made through the same rules as everybody's objects. */
import type { IncomingMessage } from 'node:http';
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields } from '../model.ts';
import { ANONYMOUS } from '../policy.ts';
import type { Call } from '../router.ts';

export function insider(
  cloud: SimulatedCloud,
  projectId: string,
  userId = '',
  body: Fields = {},
): Call {
  return {
    cloud,
    method: 'POST',
    path: '/',
    query: new URLSearchParams(),
    body,
    version: 93,
    requestId: `req-${cloud.newId()}`,
    who: { ...ANONYMOUS, projectId, userId, admin: true, roles: ['admin'] },
    request: {} as IncomingMessage,
    param: () => '',
  };
}
