/** Operations: what Pumphouse does, one at a time per subject, each with its own event stream. */
import type { CloudName } from './world.ts';

export type OperationKind = 'migration' | 'evacuation' | 'reset';

/** What an operation holds while it runs: one tenant, one host, or both clouds. */
export interface Subject {
  type: 'tenant' | 'host' | 'clouds';
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
}
