/** What operators do with schedules that there are. */
import { PumphouseError } from '../domain/errors.ts';
import type { Schedule } from '../domain/schedule.ts';
import type { OperationStore, Schedules, Timetable } from '../ports.ts';
import { scheduleWhole } from './schedule-answer.ts';

interface Ports {
  timetable: Timetable;
  operations: Pick<OperationStore, 'get'>;
}

/** The next due time first; what will not be due again last, the newest of it first. */
const bySoonest = (a: Schedule, b: Schedule) => {
  if (a.next && b.next) return a.next < b.next ? -1 : 1;
  if (a.next || b.next) return a.next ? -1 : 1;
  return a.createdAt > b.createdAt ? -1 : 1;
};

const unknown = (id: string) =>
  new PumphouseError('ResourceNotFound', `There is no schedule ${id}`);

/** Every schedule that is kept: those that ended stay for as long as streams do. */
export const listSchedules = async ({ timetable, operations }: Ports): Promise<object> => {
  const schedules = (await timetable.list()).sort(bySoonest);
  const answers = schedules.map((one) => scheduleWhole(operations, one));
  return { schedules: await Promise.all(answers) };
};

/** @throws ResourceNotFound */
export const getSchedule = async (
  { timetable, operations }: Ports,
  id: string,
): Promise<Record<string, unknown>> => {
  const schedule = await timetable.get(id);
  if (schedule) return scheduleWhole(operations, schedule);
  throw unknown(id);
};

/**
 * Takes a schedule back: nothing is begun by it any more. What it has begun goes on.
 *
 * What fires it forgets it first, so that a death in between leaves a schedule that is seen.
 * @throws ResourceNotFound
 */
export const deleteSchedule = async (
  { timetable, schedules }: { timetable: Timetable; schedules: Schedules },
  id: string,
): Promise<void> => {
  if (!(await timetable.get(id))) throw unknown(id);
  await schedules.remove(id);
  await timetable.remove(id);
};
