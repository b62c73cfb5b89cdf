import { PumphouseError } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { errorFields, log } from '../log.ts';
import { confirmedNote, refusedNote } from '../provisioners/manual.ts';
import { CONFIRMATIONS, type Confirmation, textOption } from '../provisioners/provisioner.ts';
import { openReassignment } from '../reassignment/reassignment.ts';
import { record } from '../record.ts';
import type { Runtime } from '../runtime.ts';

interface Confirmed {
  step: Confirmation;
  /** Why the step could not be done. */
  failed?: string;
}

const invalid = (message: string, details: Record<string, unknown>) =>
  new PumphouseError('InvalidRequest', message, { details });

/** @throws InvalidRequest with `details.field` or `details.fields` */
const readBody = (body: unknown): Confirmed => {
  const { step, failed: _failed, ...others } = Object(body) as Record<string, unknown>;
  const fields = Object.keys(others);
  if (fields.length > 0)
    throw invalid(`A confirmation takes step and failed; unknown: ${fields.join(', ')}`, {
      fields,
    });
  const known = CONFIRMATIONS.find((one) => one === step);
  if (!known) throw invalid(`step takes ${CONFIRMATIONS.join(', ')}`, { field: 'step' });
  const failed = textOption(Object(body) as Record<string, unknown>, 'failed');
  return { step: known, ...(failed && { failed }) };
};

/** @throws ResourceNotFound */
const reassignmentOf = async ({ operations }: Runtime, hostId: string): Promise<Operation> => {
  const running = (await operations.running()).find(
    ({ kind, subject }) => kind === 'reassignment' && subject.id === hostId,
  );
  const known = running && (await operations.get(running.id));
  if (known?.state === 'running') return known;
  throw new PumphouseError('ResourceNotFound', `Host ${hostId} is not being reassigned`);
};

/**
 * Says that a person has done the step that a reassignment waits for, or could not do it; it goes on
 * as an execution of its own.
 *
 * Idempotent: a step that is confirmed stays so.
 * @throws InvalidRequest, ResourceNotFound, ResourceConflict when another step, or none, is waited for
 */
export const confirmHost = async (
  runtime: Runtime,
  { hostId, body }: { hostId: string; body?: unknown },
): Promise<Record<string, unknown>> => {
  const { step, failed } = readBody(body);
  const operation = await reassignmentOf(runtime, hostId);
  const { item, note } = await openReassignment(runtime, operation.id);
  const answer = { id: operation.id, events: `/events/${operation.id}`, step };
  const isKnown = item.notes[confirmedNote(step)] || item.notes[refusedNote(step)];
  if (operation.waiting !== step) {
    if (isKnown) return answer;
    const waited = operation.waiting ? `waits for ${operation.waiting}` : 'waits for nobody now';
    throw new PumphouseError('ResourceConflict', `The reassignment of ${hostId} ${waited}`);
  }
  if (!isKnown)
    await note(failed ? { [refusedNote(step)]: failed } : { [confirmedNote(step)]: true });
  const data = { id: hostId, step, ...(failed && { reason: failed }) };
  await record(runtime, {
    operation: operation.id,
    step: `confirm/${step}`,
    name: 'host confirm',
    data,
  });
  const next = await runtime.operations.proceed(operation.id, step);
  await runtime.workflows.start(next ?? operation).catch((error: unknown) => {
    log.warn('the sweeper will start it', { operation: operation.id, ...errorFields(error) });
  });
  return answer;
};
