import type { Config } from '../config.ts';
import type { WorldItem } from '../domain/world.ts';
import type { OperationStore, Timetable, WorldStore } from '../ports.ts';
import type { WorldReading } from './resources.ts';

/** The schedules that will be due, by the host that they will empty, the next one first. */
const schedulesByHost = async (timetable: Pick<Timetable, 'list'>) => {
  const due = (await timetable.list()).filter(({ next }) => next !== undefined);
  due.sort((a, b) => (`${a.next}${a.id}` < `${b.next}${b.id}` ? -1 : 1));
  return Map.groupBy(due, ({ host }) => host);
};

/** Reads all that `GET /resources` shows, everything in parallel. */
export const readWorld = async ({
  config,
  world,
  operations,
  timetable,
}: {
  config: Pick<Config, 'resetEnabled' | 'destination'>;
  world: Pick<WorldStore, 'read'>;
  operations: Pick<OperationStore, 'running'>;
  timetable: Pick<Timetable, 'list'>;
}): Promise<WorldReading> => {
  const [{ items, clouds }, running, schedules] = await Promise.all([
    world.read(),
    operations.running(),
    schedulesByHost(timetable),
  ]);
  const withSchedules = (item: WorldItem): WorldItem => {
    const own = item.type === 'host' && item.cloud === 'source' && schedules.get(item.id);
    return own ? { ...item, view: { ...item.view, schedules: own.map(({ id }) => id) } } : item;
  };
  return {
    items: items.map(withSchedules),
    clouds,
    running: running.map(({ id }) => id),
    resetEnabled: config.resetEnabled,
    hasDestination: config.destination !== undefined,
  };
};
