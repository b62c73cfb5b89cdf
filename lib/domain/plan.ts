/** A migration's plan: one item for each object to bring over, and what became of it. */

/** Everything that can stand in a plan; the registry in `lib/resources/index.ts` has one file for each. */
export type ResourceName = string;

export interface Reference {
  type: ResourceName;
  /** The object's id in the source. */
  id: string;
}

export type PlanAction = 'create' | 'reuse';

/** Written before the first call of a step, so that a repeated step knows what may already be done. */
export interface Intent {
  /** The stream's last number when the step began: its own event can only come after it. */
  tail: number;
  at: string;
}

export interface PlanItem extends Reference {
  operation: string;
  /** For people: the name, or what stands for one. */
  label: string;
  action: PlanAction;
  /** From 0; an item needs only items of earlier waves. */
  wave: number;
  needs: Reference[];
  state: 'planned' | 'ready' | 'failed';
  destinationId?: string;
  /** By step; the first one of each is kept. */
  intents: Record<string, Intent>;
  reason?: string;
  /** What a step has to remember for the next: ids and states, never bodies, never secrets. */
  notes: Record<string, string | number | boolean>;
}

/** A new item: made, in the first wave, and in need of nothing unless it says otherwise. */
export const plannedItem = (
  item: Pick<PlanItem, 'operation' | 'type' | 'id' | 'label'> & Partial<PlanItem>,
): PlanItem => ({
  ...{ action: 'create', wave: 0, needs: [], state: 'planned', notes: {}, intents: {} },
  ...item,
});

/** Something that stands between the tenant and its migration. */
export interface Obstacle {
  type: ResourceName;
  id: string;
  name?: string;
  kind: 'conflict' | 'not carried' | 'ambiguous' | 'too large' | 'unfit';
  reason: string;
  fields?: string[];
}

/** Something that cannot come along, said before anything is done. */
export interface Loss {
  type: ResourceName;
  id: string;
  name?: string;
  what: string;
}
