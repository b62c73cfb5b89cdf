/** The host leaves the source, and nothing of it stays: Nova's service, Placement's provider, Neutron's agents. */
import { isError, PumphouseError } from '../domain/errors.ts';
import { serversOn } from '../evacuation/evacuation.ts';
import type { Cloud } from '../ports.ts';
import { deleteService, findComputeService, migrationsInProgress } from '../resources/host.ts';
import { agentsOn, removeAgent } from '../resources/network-agent.ts';
import { providersOf, removeProvider } from '../resources/resource-provider.ts';
import { tellProgress } from './progress.ts';
import type { Reassignment } from './reassignment.ts';

/**
 * Why the host cannot be taken out of the source, sentence by sentence; none when it can.
 * @param source only read
 */
export const obstaclesTo = async (source: Cloud, host: string): Promise<string[]> => {
  const service = await findComputeService(source, host);
  const servers = await serversOn({ source, host });
  const migrations = await migrationsInProgress(source, host);
  return [
    ...(service?.status === 'enabled' ? ['its compute service is enabled'] : []),
    ...(servers.length > 0 ? [`${servers.length} of its servers are still there`] : []),
    ...(migrations > 0 ? [`${migrations} of its migrations are not over, or not confirmed`] : []),
  ];
};

/**
 * Waits until Nova misses the host: a nova-compute that still runs would register itself anew.
 * Idempotent. @throws StillWaiting, DeadlineExceeded
 */
export const awaitSilence = async (reassignment: Reassignment): Promise<void> => {
  const { host, source, settings, once, until } = reassignment;
  await once('silence', async (intent) => {
    await tellProgress(reassignment, intent, 'silence', { status: 'stopping', progress: 0 });
    const what = `the compute service of ${host} to be seen down (is the machine really off?)`;
    await until(intent, what, settings.deadlines.silence, async () => {
      const service = await findComputeService(source, host);
      return !service || service.state === 'down' || undefined;
    });
  });
};

/** Takes away what is left of the host; answers what was found, so that nothing is the proof. */
const clear = async (source: Cloud, host: string): Promise<string[]> => {
  const service = await findComputeService(source, host);
  if (service) await deleteService(source, service);
  const providers = service ? [] : await providersOf(source, host);
  for (const { uuid } of providers) await removeProvider(source, uuid);
  const agents = await agentsOn(source, host);
  for (const { id } of agents) await removeAgent(source, id);
  return [
    ...(service ? ['its compute service'] : []),
    ...providers.map(({ name }) => `the resource provider ${name}`),
    ...agents.map(() => 'a network agent'),
  ];
};

/** Placement answers 409 while somebody else allocates; the next look sees more. */
const cleared = async (source: Cloud, host: string): Promise<string[]> => {
  try {
    return await clear(source, host);
  } catch (error) {
    if (isError(error, 'ResourceConflict', 'CloudBusy')) return [error.message];
    throw error;
  }
};

/** Tells that the host has left the source, once. */
export const tellRemoval = async ({ host, name, intend, tell }: Reassignment): Promise<void> => {
  const data = { id: host, cloud: 'source', new_id: name };
  await tell(await intend('remove'), 'host delete', data);
};

/**
 * Removes the host from the source and reads back that nothing of it is left. From its first call on
 * the host belongs to no cloud.
 *
 * Idempotent.
 * @throws ResourceConflict when servers or migrations are there again, StillWaiting, DeadlineExceeded
 */
export const removeHost = async (reassignment: Reassignment): Promise<void> => {
  const { host, source, settings, once, until } = reassignment;
  await once('remove', async (intent) => {
    const [first, ...more] = await obstaclesTo(source, host);
    if (first) {
      const said = `Host ${host} cannot leave the source: ${[first, ...more].join(', ')}`;
      throw new PumphouseError('ResourceConflict', said);
    }
    await tellProgress(reassignment, intent, 'removal', { status: 'removing', progress: 0 });
    let left: string[] = [];
    const what = () => `the source to forget ${host}: ${left.join(', ')}`;
    await until(intent, 'the source to forget the host', settings.deadlines.removal, async () => {
      left = await cleared(source, host);
      return left.length === 0 || undefined;
    }).catch((error: unknown) => {
      if (!isError(error, 'DeadlineExceeded')) throw error;
      throw new PumphouseError('DeadlineExceeded', `Waited for ${what()}`);
    });
    await tellRemoval(reassignment);
  });
};
