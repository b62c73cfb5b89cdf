/** One server that is off leaves its host: moved cold, then confirmed, since Nova keeps the old place until then. */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Intent } from '../domain/plan.ts';
import { isBusy } from '../migration/server/states.ts';
import { getServer, type Server } from '../resources/server.ts';
import { hostOf } from './evacuation.ts';
import type { Journey } from './journey.ts';
import { ourMigration, refuseFailed } from './nova-migrations.ts';

/** Nova's status of a server that has moved and waits for a word. */
const MOVED = 'VERIFY_RESIZE';

/** Seconds in which Nova confirms or reverts. */
const SETTLE_SECONDS = 900;

const failed = (message: string) => new PumphouseError('ResourceFailed', message);

const act = ({ source, item }: Journey, action: object) =>
  source.post('compute', `/servers/${item.id}/action`, action);

/** @see microversion 2.56, and 2.34 for what a 202 does not say */
const ask = (journey: Journey) => {
  const { evacuation, notes } = journey;
  if (evacuation.cancelled) throw new PumphouseError('OperationCancelled', 'it was cancelled');
  return act(journey, { migrate: notes.to ? { host: notes.to } : null });
};

/** Where the operator lets Nova confirm by itself (`resize_confirm_window`) it may be off again by now. */
const isOver = ({ notes }: Journey, server: Server) =>
  server.status === MOVED || (server.status === notes.state && hostOf(server) !== notes.from);

const travel = async (journey: Journey, intent: Intent): Promise<void> => {
  const { source, item, evacuation, until } = journey;
  let asked = false;
  await until(intent, 'to leave its host', evacuation.input.timeout, async () => {
    const server = await getServer(source, item.id);
    const migration = await ourMigration(journey);
    if (isBusy(server)) return undefined;
    if (server.status === 'ERROR') throw failed(server.fault?.message ?? 'it is in ERROR');
    refuseFailed(migration);
    if (isOver(journey, server)) return true;
    if (!migration && !asked) {
      await ask(journey);
      asked = true;
    }
    return undefined;
  });
};

/**
 * Moves the server, and watches until Nova waits for the confirmation. Exactly once, as with a live
 * migration; it cannot be aborted, so one that is cancelled goes on to its end.
 * @throws ResourceFailed, StillWaiting, DeadlineExceeded, OperationCancelled
 * @see https://docs.openstack.org/api-ref/compute/#migrate-server-migrate-action
 */
export const coldMigrate = (journey: Journey): Promise<void> =>
  journey.once('depart', async (intent) => {
    await journey.tell(intent, 'server cold migration');
    await travel(journey, intent);
  });

/** Another word came first, Nova's own or somebody's: what has become of it is read back. */
const unlessSaid = (call: Promise<unknown>) =>
  call.catch((error: unknown) => {
    if (!isError(error, 'ResourceConflict', 'RequestRefused', 'CloudBusy')) throw error;
  });

/** Says yes or no once, and watches until the server is off again, wherever that is. */
const settle = async (
  journey: Journey,
  intent: Intent,
  word: 'confirmResize' | 'revertResize',
): Promise<void> => {
  const { source, item, notes, until } = journey;
  const what = `to be ${notes.state} again`;
  await until(intent, what, SETTLE_SECONDS, async () => {
    const server = await getServer(source, item.id);
    if (isBusy(server)) return undefined;
    if (server.status === notes.state) return true;
    if (server.status !== MOVED) {
      throw failed(`it was to be ${notes.state} again but is ${server.status}`);
    }
    // While Nova acts upon a word the server still shows what it was; its migration does not.
    const { status } = (await ourMigration(journey)) ?? {};
    if (status === 'finished') await unlessSaid(act(journey, { [word]: null }));
    return undefined;
  });
};

/** Gives the old place free and watches until the server is off again, on its new host. Safe to repeat. */
export const confirm = (journey: Journey): Promise<void> =>
  journey.once('confirm', (intent) => settle(journey, intent, 'confirmResize'));

/** The undo of a move that was not confirmed: nothing is left half way, on two hosts at once. */
export const revert = (journey: Journey): Promise<void> =>
  journey.once('undo depart', (intent) => settle(journey, intent, 'revertResize'));
