/**
 * The journal of one thing on its way, a server or a host: what was intended for it, what is done,
 * what was told of it. A step opens it where the last one left it, so that every step can be
 * repeated and be killed anywhere (ADR 0003).
 */
import type { EventData, EventName, PumphouseEvent } from './domain/event.ts';
import type { Intent, PlanItem } from './domain/plan.ts';
import { record } from './record.ts';
import type { Runtime } from './runtime.ts';
import { watch } from './watch.ts';

export interface Journal {
  item: PlanItem;
  /** Writes down that a step begins; a repeat finds the first time. */
  intend(step: string): Promise<Intent>;
  /** Does a step's work and notes that it is done; a repeat passes over what is done. */
  once(step: string, work: (intent: Intent) => Promise<void>): Promise<void>;
  /** Keeps something for later steps and attempts. */
  note(notes: PlanItem['notes']): Promise<void>;
  /** Records an event, once per step, that of its name unless another is given. */
  tell(intent: Intent, name: EventName, data?: EventData, step?: string): Promise<PumphouseEvent>;
  /** Waits within the deadline of the intended step. See `watch`. */
  until<T>(
    intent: Intent,
    what: string,
    seconds: number,
    probe: () => Promise<T | undefined>,
  ): Promise<T>;
}

/** How the events of one thing are told apart from those of the operation's others. */
export interface Voice {
  /** Stands before each step's name. */
  prefix: string;
  /** Stands in each event's data. */
  about?: EventData;
}

export const openJournal = (
  runtime: Runtime,
  item: PlanItem,
  { prefix, about }: Voice,
): Journal => {
  const { plans, clock, config } = runtime;
  const { operation } = item;
  const intend = (step: string) => plans.intend(item, step);
  const note = async (notes: PlanItem['notes']) => {
    Object.assign(item, await plans.update(item, { notes }));
  };
  return {
    ...{ item, intend, note },
    async once(step, work) {
      const done = `${step} done`;
      if (item.notes[done]) return;
      await work(await intend(step));
      await note({ [done]: true });
    },
    tell: ({ tail: after }, name, data, step = name) =>
      record(runtime, {
        ...{ operation, step: `${prefix}${step}`, name, after },
        data: { ...about, ...data },
      }),
    until: ({ at: since }, what, deadlineSeconds, probe) => {
      const { watchSeconds } = config;
      return watch({ clock, watchSeconds, since, deadlineSeconds, what }, probe);
    },
  };
};
