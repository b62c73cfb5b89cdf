/** The ids of operations, and what the same `Idempotency-Key` means. */
import { createHash, randomUUID } from 'node:crypto';
import { PumphouseError } from '../domain/errors.ts';
import type { Operation, OperationKind } from '../domain/operation.ts';
import { canonical } from '../resources/resource-type.ts';

/**
 * The id of a new operation or schedule, in the form of a UUID. The same kind, subject and `Idempotency-Key`
 * always give the same id; without a key each is another.
 */
export const operationId = (
  kind: OperationKind | 'schedule',
  subjectId: string,
  key?: string,
): string => {
  if (!key) return randomUUID();
  const text = JSON.stringify([kind, subjectId, key]);
  const hash = createHash('sha256').update(text).digest('hex');
  // RFC 9562: version 8 (our own content), variant 10.
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
};

/**
 * Makes sure that a repeated `Idempotency-Key` repeats the same request.
 * @throws InvalidRequest with `details.unprocessable` when what is asked for differs
 */
export const sameRequest = (existing: Operation, input: Operation['input']): void => {
  if (canonical(existing.input) === canonical(input)) return;
  throw new PumphouseError(
    'InvalidRequest',
    `This Idempotency-Key was used for another ${existing.kind} of ${existing.subject.name}; take a new key`,
    { details: { unprocessable: true, operation: existing.id, events: `/events/${existing.id}` } },
  );
};
