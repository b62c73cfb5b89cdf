/** Opens all stores over one table with one client. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type {
  Clock,
  EventStore,
  OperationStore,
  PlanStore,
  Timetable,
  WorldStore,
} from '../ports.ts';
import { eventStore } from './event-store.ts';
import { operationStore } from './operation-store.ts';
import { planStore } from './plan-store.ts';
import type { Table } from './table.ts';
import { timetable } from './timetable.ts';
import { worldStore } from './world-store.ts';

export interface Stores {
  events: EventStore;
  world: WorldStore;
  operations: OperationStore;
  plans: PlanStore;
  timetable: Timetable;
}

/**
 * The stores over the table `name`; where it is and with which credentials is the SDK's own business
 * (`AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB`, …). `keepDays` is how long ended streams can be replayed.
 */
export const openStores = (name: string, clock: Clock, keepDays = 30): Stores => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const table: Table = { client, name, now: () => clock.now(), keepDays };
  const events = eventStore(table);
  return {
    events,
    world: worldStore(table),
    operations: operationStore(table),
    plans: planStore(table, events),
    timetable: timetable(table),
  };
};
