/**
 * One server's way off the host, or back to it: what each step of `stepfunctions/evacuate-server`
 * needs to do its part. A server that is tried again, or comes back, makes another journey.
 */
import { isError } from '../domain/errors.ts';
import type { PlanItem } from '../domain/plan.ts';
import { type Journal, openJournal } from '../journal.ts';
import type { Cloud } from '../ports.ts';
import { getServer, type Server } from '../resources/server.ts';
import type { Runtime } from '../runtime.ts';
import { type Evacuation, openEvacuation } from './evacuation.ts';

/** What every step of the machine is handed: ids only. */
export interface JourneyInput {
  operation: string;
  /** `journey 1`, or `return 2`: the number is that of the round. */
  journey: string;
  server: string;
}

/** What stands in the notes of a journey; all of it is written before it is acted upon. */
export interface Notes {
  /** The host that it leaves. */
  from?: string;
  /** The host that it goes to; absent for wherever Nova finds room. */
  to?: string;
  /** The server's status before anything was done to it. */
  state?: string;
  way?: string;
  /** Nova's newest migration of the server from before. */
  newest?: number;
  failure?: string;
  /** Why its live migration was aborted. */
  aborted?: string;
  /** True once its live migration was forced to its end. */
  forced?: boolean;
  /** Where it has arrived. */
  host?: string;
  /** Left where it is until somebody does something by hand. */
  by_hand?: boolean;
  /** Not begun, because the evacuation was to stop. */
  skipped?: boolean;
  /** Not worth another attempt. */
  final?: boolean;
}

export interface Journey extends Journal {
  runtime: Runtime;
  evacuation: Evacuation;
  source: Cloud;
  notes: Notes;
}

/** Types of plan items that are journeys: away from the host, and back to it. */
export const AWAY = 'journey';
export const BACK = 'return';

export const isJourney = ({ type }: PlanItem) => /^(journey|return) \d+$/.test(type);

export const roundOf = ({ type }: Pick<PlanItem, 'type'>) => Number(type.split(' ')[1]);

/** The lock that a tenant's migration of the server takes, too (decision 2.10). */
export const lockOf = ({ id }: Pick<PlanItem, 'id'>) => `server#source#${id}`;

/** A server that its owner has deleted meanwhile is not there. */
export const findServer = (source: Cloud, id: string): Promise<Server | undefined> =>
  getServer(source, id).catch((error: unknown) => {
    if (isError(error, 'ResourceNotFound')) return undefined;
    throw error;
  });

/** Opens a journey where its last step left it. @throws ResourceNotFound */
export const openJourney = async (
  runtime: Runtime,
  { operation, journey: type, server }: JourneyInput,
): Promise<Journey> => {
  const evacuation = await openEvacuation(runtime, operation);
  const item = await runtime.plans.get(operation, { type, id: server });
  const voice = { prefix: `${type}:${server}/`, about: { id: server, cloud: 'source' } };
  const journal = openJournal(runtime, item, voice);
  return {
    ...journal,
    ...{ runtime, evacuation, source: evacuation.source },
    get notes() {
      return item.notes as Notes;
    },
    until: (intent, what, seconds, probe) =>
      journal.until(intent, `server ${item.label} ${what}`, seconds, probe),
  };
};
