/**
 * Reassignment: an emptied host leaves the source without a trace and is installed as a host of the
 * destination. Every step looks at what is there before it does anything, so each can be repeated.
 */
import { isError, PumphouseError } from '../domain/errors.ts';
import type { Operation, ReassignmentInput } from '../domain/operation.ts';
import { type PlanItem, plannedItem } from '../domain/plan.ts';
import { type Journal, openJournal } from '../journal.ts';
import { getOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import type { Provisioning } from '../provisioners/index.ts';
import type { Job } from '../provisioners/provisioner.ts';
import type { Runtime } from '../runtime.ts';

export interface Reassignment extends Provisioning, Journal {
  operation: Operation;
  /** The host's name in the source, and the one that it gets. */
  host: string;
  name: string;
  source: Cloud;
  destination: Cloud;
  /** What the provisioner is handed. */
  job: Job;
  /** True once its last event is told: nothing may be touched any more. */
  ended: boolean;
}

/** What the operation remembers of its host: made by whoever asks first. */
const hostItem = async ({ plans }: Runtime, operation: string, host: string): Promise<PlanItem> => {
  const reference = { type: 'host', id: host };
  try {
    return await plans.get(operation, reference);
  } catch (error) {
    if (!isError(error, 'ResourceNotFound')) throw error;
  }
  await plans.put([plannedItem({ operation, ...reference, label: host })]);
  return plans.get(operation, reference);
};

const opened = async (runtime: Runtime, id: string) => {
  const operation = await getOperation(runtime, id);
  const { source, destination } = await runtime.clouds();
  const provisioning = await runtime.provisioning();
  if (!destination || !provisioning) {
    const said = 'The destination or its provisioner is no longer configured';
    throw new PumphouseError('InvalidRequest', said);
  }
  return { operation, source, destination, ...provisioning };
};

/** Opens a reassignment where its last step left it. @throws ResourceNotFound, InvalidRequest */
export const openReassignment = async (runtime: Runtime, id: string): Promise<Reassignment> => {
  const parts = await opened(runtime, id);
  const { operation, destination } = parts;
  const input = operation.input as unknown as ReassignmentInput;
  const host = operation.subject.id;
  const item = await hostItem(runtime, id, host);
  const journal = openJournal(runtime, item, { prefix: '' });
  const job: Job = {
    ...{ ...input, operation: id, host, destination, note: journal.note },
    get notes() {
      return item.notes;
    },
  };
  return {
    ...parts,
    ...journal,
    ...{ host, name: input.name, job, ended: operation.state === 'ended' },
  };
};

/**
 * As `openReassignment`, for a step of its way forward: once it has failed, it goes only back, also
 * when its machine is started anew in the middle of the undo.
 * @throws ResourceFailed
 */
export const continueReassignment = async (runtime: Runtime, id: string): Promise<Reassignment> => {
  const reassignment = await openReassignment(runtime, id);
  const { failure } = reassignment.item.notes;
  if (failure && !reassignment.ended) throw new PumphouseError('ResourceFailed', String(failure));
  return reassignment;
};
