/** One object that a reset makes: how it is known, made and told of. Ensure, not create. */
import type { EventData, EventName } from '../domain/event.ts';
import type { GrowingIds } from '../migration/ids.ts';
import type { Cloud } from '../ports.ts';

/** The source while it is populated. */
export interface Ground {
  cloud: Cloud;
  /** Where new projects and users have their names: the domain of our own project. */
  domainId: string;
  /** Our own user. */
  userId: string;
  /** Ids of what has been made, by the step's type and key. */
  ids: GrowingIds;
  /** The cloud in the scope of a tenant, by the tenant's key: what is made there belongs to it. */
  within(tenant: string): Cloud;
}

export interface Telling {
  name: EventName;
  data: EventData;
}

export interface Step {
  type: string;
  /** What others call it by; unique within the type. */
  key: string;
  /** Its name in the cloud, prefix and all. */
  label: string;
  /** A step needs only what earlier waves made. */
  wave: number;
  /** The id of one that an earlier attempt has left. */
  find(ground: Ground): Promise<string | undefined>;
  make(ground: Ground): Promise<string>;
  /** Brings what `make` cannot carry; safe to repeat. */
  settle?(ground: Ground, id: string): Promise<void>;
  /** Why it is not ready yet. @throws ResourceFailed when it never will be */
  pending?(ground: Ground, id: string): Promise<string | undefined>;
  tell?(ground: Ground, id: string): Telling[] | Promise<Telling[]>;
}
