/** What Nova writes down of the moves within a cloud. @see https://docs.openstack.org/api-ref/compute/#list-migrations */
import { PumphouseError } from '../domain/errors.ts';
import type { Cloud } from '../ports.ts';
import type { Journey } from './journey.ts';

export interface NovaMigration {
  /** Grows with each migration of a server. */
  id: number;
  status: string;
}

/** Statuses of a migration that came to nothing. */
const ENDED_BADLY = ['error', 'failed', 'cancelled', 'reverted'];

/** Nova's name for the kind of migration that each way takes. */
const TYPES = { live: 'live-migration', wake: 'live-migration', cold: 'migration' } as const;

const listed = async (source: Cloud, server: string, type: string): Promise<NovaMigration[]> => {
  const query = { instance_uuid: server, migration_type: type };
  const found: NovaMigration[] = [];
  const all = source.list<NovaMigration>('compute', '/os-migrations', 'migrations', { query });
  for await (const one of all) found.push(one);
  return found.sort((a, b) => a.id - b.id);
};

/** The number of the server's newest migration, 0 for none: what is listed beyond it later is ours. */
export const newestMigration = async (
  source: Cloud,
  server: string,
  way: keyof typeof TYPES,
): Promise<number> => (await listed(source, server, TYPES[way])).at(-1)?.id ?? 0;

/** The migration that this journey has asked for, if Nova lists it yet. */
export const ourMigration = async ({
  source,
  item,
  notes,
}: Journey): Promise<NovaMigration | undefined> => {
  const type = TYPES[notes.way as keyof typeof TYPES];
  return (await listed(source, item.id, type)).filter(({ id }) => id > Number(notes.newest)).at(-1);
};

/** @throws ResourceFailed when the migration has come to nothing */
export const refuseFailed = (migration: NovaMigration | undefined): void => {
  if (!migration || !ENDED_BADLY.includes(migration.status)) return;
  throw new PumphouseError('ResourceFailed', `Nova ended its migration as ${migration.status}`);
};
