/** How far a live migration has come, as far as Nova says: told now and then, and kept for whoever asks. */
import type { EventData } from '../domain/event.ts';
import type { Intent } from '../domain/plan.ts';
import type { Journey } from './journey.ts';
import type { NovaMigration } from './nova-migrations.ts';

/** Seconds between two tellings of one server. */
const EVERY_SECONDS = 30;

/**
 * Bytes; null where the hypervisor's driver has no figure, and the disk's are 0 for many.
 * @see https://docs.openstack.org/api-ref/compute/#list-migrations-for-a-server
 */
const FIGURES = ['memory', 'disk'].flatMap((what) =>
  ['total', 'processed', 'remaining'].map((part) => `${what}_${part}_bytes`),
);

interface ServerMigration extends NovaMigration {
  [figure: string]: unknown;
}

/** The figures of the migration in progress; none when Nova has none, or it is over. */
const readFigures = async ({ source, item }: Journey, { id }: NovaMigration) => {
  const path = `/servers/${item.id}/migrations`;
  const { migrations } = await source.get<{ migrations: ServerMigration[] }>('compute', path);
  const own = migrations.find((one) => one.id === id);
  const known = FIGURES.filter((name) => typeof own?.[name] === 'number');
  return Object.fromEntries(known.map((name) => [name, own?.[name] as number]));
};

/**
 * Tells of the migration at most every half minute, and notes the figures. Idempotent: each stretch of
 * time is told once, and found again after the number of the telling before it.
 */
export const tellProgress = async (
  journey: Journey,
  intent: Intent,
  migration: NovaMigration,
  seconds: number,
): Promise<void> => {
  const { item, note, tell } = journey;
  const stretch = Math.floor(seconds / EVERY_SECONDS);
  if (Number(item.notes.told ?? -1) >= stretch) return;
  const figures = await readFigures(journey, migration);
  if (stretch === 0 && Object.keys(figures).length === 0) return;
  const data: EventData = {
    ...{ type: 'server', status: migration.status, seconds: Math.round(seconds), ...figures },
  };
  const tail = Number(item.notes.toldAs ?? intent.tail);
  const step = `progress ${stretch}`;
  const told = await tell({ ...intent, tail }, 'operation progress', data, step);
  await note({ ...figures, told: stretch, toldAs: told.number });
};
