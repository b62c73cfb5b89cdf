/** A tenant on its way: what the steps of `stepfunctions/migrate-tenant` share. */
import { PumphouseError } from '../domain/errors.ts';
import type { MigrationInput, Operation } from '../domain/operation.ts';
import { getOperation } from '../operations.ts';
import type { Cloud } from '../ports.ts';
import type { Runtime } from '../runtime.ts';

export interface TenantMove {
  operation: Operation;
  input: MigrationInput;
  /** The tenant's id in the source. */
  tenantId: string;
  source: Cloud;
  destination: Cloud;
}

/** @throws InvalidRequest when no destination is configured */
export const bothClouds = async (
  runtime: Runtime,
): Promise<{ source: Cloud; destination: Cloud }> => {
  const { source, destination } = await runtime.clouds();
  if (destination) return { source, destination };
  throw new PumphouseError('InvalidRequest', 'No destination cloud is configured');
};

/** @throws ResourceNotFound when there is no such operation */
export const openTenantMove = async (runtime: Runtime, id: string): Promise<TenantMove> => {
  const operation = await getOperation(runtime, id);
  const input = operation.input as unknown as MigrationInput;
  return { operation, input, tenantId: operation.subject.id, ...(await bothClouds(runtime)) };
};
