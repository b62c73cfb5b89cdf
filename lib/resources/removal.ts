/** What a reset takes away of each type; the order of types stands in `index.ts`. */
import type { EventData, EventName } from '../domain/event.ts';
import type { Cloud } from '../ports.ts';

/** What a reset may take away: what bears its prefix by name, or belongs to a project that does. */
export interface Mark {
  bears(name: string | null | undefined): boolean;
  /** True for a project whose name bears the prefix. */
  owns(projectId: string | null | undefined): boolean;
}

/** One object that a reset takes away. */
export interface Doomed {
  /** What `remove` takes. */
  id: string;
  name: string;
  /** What the event tells beside `id` and `cloud`, or instead of them. */
  told?: EventData;
}

/** How a reset takes objects of a type away. */
export interface Removal {
  readonly event: EventName;
  /** Every such object of the cloud that is marked, and no other. */
  find(cloud: Cloud, mark: Mark): AsyncIterable<Doomed>;
  /** Safe to repeat. @throws ResourceConflict, CloudBusy, Forbidden or RequestRefused while something is in the way */
  remove(cloud: Cloud, id: string): Promise<void>;
  /** For what goes in its own time: whether it has gone. Without it, `remove` is the end. */
  gone?(cloud: Cloud, id: string): Promise<boolean>;
}

interface Named {
  id: string;
  name: string | null | undefined;
  project?: string | null | undefined;
  told?: EventData;
}

/** Those of a listing whose own name is marked, or whose project is. */
export async function* marked<T>(
  bodies: AsyncIterable<T>,
  mark: Mark,
  read: (body: T) => Named,
): AsyncIterable<Doomed> {
  for await (const body of bodies) {
    const { id, name, project, told } = read(body);
    if (mark.bears(name) || mark.owns(project)) {
      yield { id, name: name || id, ...(told && { told }) };
    }
  }
}
