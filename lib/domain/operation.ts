/** Operations: what Pumphouse does, one at a time per subject, each with its own event stream. */
import { PumphouseError } from './errors.ts';
import type { CloudName } from './world.ts';

export const OPERATION_KINDS = ['migration', 'evacuation', 'reassignment', 'reset'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/**
 * What an operation holds while it runs: one tenant, one host, or both clouds. An evacuation that its
 * schedule could not begin holds the schedule, under the host's name.
 */
export interface Subject {
  type: 'tenant' | 'host' | 'clouds' | 'schedule';
  cloud: CloudName;
  id: string;
  name: string;
}

export type Strategy = 'snapshot' | 'image';
export type Quiesce = 'suspend' | 'stop' | 'none';
export type Finalize = 'auto' | 'manual';

/** How a tenant is to be migrated; settled when the request is taken, kept with the operation. */
export interface MigrationInput {
  strategy: Strategy;
  quiesce: Quiesce;
  finalize: Finalize;
  /** Resource types, or `type:id`, whose equal namesakes at the destination may be taken as ours. */
  reuse: string[];
}

export type OnError = 'continue' | 'stop' | 'undo';

/** How a host is to be emptied; settled when the request is taken, kept with the operation. */
export interface EvacuationInput {
  /** Servers that are on their way at once. */
  parallel: number;
  /** Name of the host or aggregate that they go to; absent for wherever Nova finds room. */
  target?: string;
  /** Seconds that one server may take, from its turn to its arrival. */
  timeout: number;
  /** What a failure means for the others: they go on, they stay, or they come back (ADR 0006). */
  onError: OnError;
  /** Whether the host stays blocked although it could not be emptied. */
  keepBlocked: boolean;
  /** Seconds after which a live migration is forced to its end, which pauses the guest. */
  forceComplete?: number;
  /** The schedule that began it, and when it was due; after `until` (ISO) no server is begun with. */
  schedule?: { id: string; due: string; until: string };
}

export const PROVISIONERS = ['ironic', 'fuel', 'manual'] as const;
export type ProvisionerName = (typeof PROVISIONERS)[number];

/** How a host is to change its cloud; settled when the request is taken, kept with the operation. */
export interface ReassignmentInput {
  /** The host's name in the destination. */
  name: string;
  /** What the provisioner was asked for, by its own names. */
  options: Record<string, unknown>;
  /** The failed reassignment of the same host that this one goes on with. */
  previous?: string;
}

/** The item that locks the subject **is** the operation (ADR 0005). */
export interface Operation {
  id: string;
  kind: OperationKind;
  subject: Subject;
  input: Record<string, unknown>;
  createdAt: string;
  state: 'running' | 'ended';
  /** After the end: `''` for success, `'error'` otherwise, as in the last event. */
  status?: '' | 'error';
  reason?: string;
  endedAt?: string;
  /** When somebody asked for it to stop; it ends soon, as cancelled. */
  cancelledAt?: string;
  /** The step that a person has to confirm; meanwhile no execution runs (ADR 0010). */
  waiting?: string;
  /** How often it was taken up again after such a wait; each time as an execution of its own. */
  turn?: number;
}

/**
 * The name of the execution that an operation is at. A turn after a person's confirmation is an
 * execution of its own, since a name is used once in 90 days.
 */
export const executionOf = ({ id, turn = 1 }: Pick<Operation, 'id' | 'turn'>): string =>
  turn === 1 ? id : `${id}-${turn}`;

/** Whose it is, for whoever has to wait. */
export const heldBy = ({ subject, kind }: Pick<Operation, 'subject' | 'kind'>): string =>
  `${subject.name} is held by a running ${kind}`;

/** The refusal of what a running operation is in the way of, with the stream that tells of its end. */
export const operationInProgress = ({ id }: Pick<Operation, 'id'>, said: string): PumphouseError =>
  new PumphouseError('OperationInProgress', said, {
    details: { operation: id, events: `/events/${id}` },
  });
