/**
 * Events: the names of the original's era, verbs with spaces, and what each of them does to the
 * world. The event is the commit; the world follows from it (ADR 0004).
 */
import type { CloudName, Place, View, WorldKey, WorldStatus, WorldType } from './world.ts';

export const EVENT_NAMES = [
  'tenant migrate',
  'tenant create',
  'tenant delete',
  'domain created',
  'domain delete',
  'user created',
  'user delete',
  'group created',
  'group delete',
  'role created',
  'role delete',
  'user role assigned',
  'group role assigned',
  'flavor created',
  'flavor delete',
  'keypair created',
  'keypair delete',
  'image created',
  'image uploading',
  'image uploaded',
  'image delete',
  'secgroup created',
  'secgroup rules set',
  'secgroup delete',
  'network created',
  'network delete',
  'subnet created',
  'subnet delete',
  'subnet dhcp enabled',
  'router created',
  'router delete',
  'router interface added',
  'router interface removed',
  'port created',
  'port delete',
  'floating_ip created',
  'floating_ip assigned',
  'floating_ip released',
  'floating_ip delete',
  'volume create',
  'volume attach',
  'volume delete',
  'volume snapshot delete',
  'server migrate',
  'server suspended',
  'server stopped',
  'server resumed',
  'server boot',
  'server verified',
  'server terminate',
  'server group delete',
  'server migrated',
  'server migration failed',
  'tenant migrated',
  'host evacuate',
  'host block',
  'host unblock',
  'server live migration',
  'server live migrated',
  'server live migration failed',
  'server cold migration',
  'server cold migrated',
  'server cold migration failed',
  'server woken',
  'server suspended again',
  'server not moved',
  'host evacuated',
  'host reassign',
  'host delete',
  'host provisioning',
  'host confirm',
  'host reassigned',
  'reset start',
  'reset completed',
  'operation progress',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

export type EventData = Record<string, unknown>;

/** One event of one operation. */
export interface PumphouseEvent {
  /** The operation's id, which is the stream's id. */
  operation: string;
  /** From 1, without gaps. */
  number: number;
  name: EventName;
  data: EventData;
  /** ISO 8601, UTC, milliseconds. */
  at: string;
  /** What made it, unique within the operation: a step done twice leaves one event. */
  step: string;
  /** True on the operation's last event, and on no other. */
  last?: true;
}

/** What an event does to one object of the world. */
export type WorldChange = WorldKey &
  (
    | { kind: 'put'; view: View; status?: WorldStatus; observed?: WorldStatus }
    | {
        kind: 'status';
        status: WorldStatus | undefined;
        reason?: string;
        observed?: WorldStatus;
        view?: View;
      }
    | { kind: 'remove' }
  );

const text = (value: unknown) => String(value ?? '');
const cloudOf = (data: EventData, otherwise: CloudName): CloudName =>
  data.cloud === 'source' || data.cloud === 'destination' ? data.cloud : otherwise;

const put =
  (type: WorldType, status?: WorldStatus) =>
  (data: EventData): WorldChange[] => {
    const { cloud: _cloud, id, source_id: _sourceId, status: _status, ...view } = data;
    return [
      {
        kind: 'put',
        cloud: cloudOf(data, 'destination'),
        type,
        id: text(id),
        view: view as View,
        ...(status && { status }),
      },
    ];
  };

const status =
  (type: WorldType, cloud: CloudName, to: WorldStatus | undefined) =>
  (data: EventData): WorldChange[] => [
    { kind: 'status', cloud: cloudOf(data, cloud), type, id: text(data.id), status: to },
  ];

const removed =
  (type: WorldType) =>
  (data: EventData): WorldChange[] => [
    { kind: 'remove', cloud: cloudOf(data, 'source'), type, id: text(data.id) },
  ];

const ended = (type: WorldType) => (data: EventData) =>
  status(type, 'source', data.status === 'error' ? 'error' : undefined)(data);

/** It is somewhere else in the same cloud. */
const movedWithin = (data: EventData): WorldChange[] => [
  {
    kind: 'status',
    cloud: cloudOf(data, 'source'),
    type: 'server',
    id: text(data.id),
    status: undefined,
    view: { host_name: text(data.host_name) },
  },
];

const host = (cloud: Place, id: unknown) => ({ cloud, type: 'host' as const, id: text(id) });

/** A host that is being prepared does not show in its new cloud, although it may be listed there already. */
const unseen = (id: unknown): WorldChange[] =>
  id ? [{ kind: 'remove', ...host('destination', id) }] : [];

const reassigned = ({ id, new_id }: EventData): WorldChange[] => [
  { kind: 'remove', ...host('none', id) },
  {
    kind: 'put',
    ...host('destination', new_id),
    view: { name: text(new_id) },
    observed: 'available',
  },
];

/** It stands where it has come to, in the source or between the clouds: the other one is not there. */
const notReassigned = ({ id, reason }: EventData): WorldChange[] =>
  (['source', 'none'] as const).map((cloud) => ({
    kind: 'status',
    ...host(cloud, id),
    status: 'error',
    reason: text(reason),
  }));

/** What goes with one event of its own: `<type> delete`. */
const DELETED = [
  ...(['tenant', 'domain', 'user', 'group', 'role', 'flavor', 'keypair', 'image'] as const),
  ...(['secgroup', 'network', 'subnet', 'router', 'port', 'floating_ip', 'volume'] as const),
];

const CHANGES: Partial<Record<EventName, (data: EventData) => WorldChange[]>> = {
  'tenant migrate': status('tenant', 'source', 'migration'),
  'tenant create': put('tenant'),
  'tenant migrated': ended('tenant'),
  'domain created': put('domain'),
  'user created': put('user'),
  'group created': put('group'),
  'role created': put('role'),
  'flavor created': put('flavor'),
  'keypair created': put('keypair'),
  'volume create': put('volume'),
  ...Object.fromEntries(DELETED.map((type) => [`${type} delete`, removed(type)])),
  'image created': put('image', 'migration'),
  'image uploaded': status('image', 'destination', undefined),
  'secgroup created': put('secgroup'),
  'network created': put('network'),
  'subnet created': put('subnet'),
  'router created': put('router'),
  'port created': put('port'),
  'floating_ip created': put('floating_ip'),
  'server migrate': status('server', 'source', 'migration'),
  // What a reset boots in the source is on no way.
  'server boot': (data) => put('server', data.cloud === 'source' ? undefined : 'migration')(data),
  'server terminate': removed('server'),
  'server migrated': ({ source_id, destination_id }) => [
    { kind: 'status', cloud: 'source', type: 'server', id: text(source_id), status: undefined },
    {
      kind: 'status',
      cloud: 'destination',
      type: 'server',
      id: text(destination_id),
      status: undefined,
    },
  ],
  'server migration failed': status('server', 'source', 'error'),
  'host evacuate': status('host', 'source', 'evacuation'),
  'host block': (data) => [
    {
      kind: 'status',
      cloud: cloudOf(data, 'source'),
      type: 'host',
      id: text(data.id),
      status: 'evacuation',
      observed: 'blocked',
    },
  ],
  'host unblock': (data) => [
    {
      kind: 'status',
      cloud: cloudOf(data, 'source'),
      type: 'host',
      id: text(data.id),
      status: 'evacuation',
      observed: 'available',
    },
  ],
  'server live migrated': movedWithin,
  'server cold migrated': movedWithin,
  // One that its schedule could not begin says nothing of the host.
  'host evacuated': (data) =>
    data.started === false ? [] : status('host', 'source', undefined)(data),
  'host reassign': status('host', 'source', undefined),
  'host delete': ({ id, new_id }) => [
    { kind: 'remove', ...host('source', id) },
    { kind: 'put', ...host('none', id), view: { progress: 0 }, status: 'provisioning' },
    ...unseen(new_id),
  ],
  'host provisioning': ({ id, status: stage, progress, new_id }) => [
    {
      kind: 'status',
      ...host('none', id),
      status: 'provisioning',
      view: { stage: text(stage), progress: Number(progress) },
    },
    ...unseen(new_id),
  ],
  'host reassigned': ({ status: outcome, ...data }) =>
    outcome === 'error' ? notReassigned(data) : reassigned(data),
};

/** What the event does to the world: pure, and the same however often it is asked. */
export const worldChanges = (event: Pick<PumphouseEvent, 'name' | 'data'>): WorldChange[] =>
  CHANGES[event.name]?.(event.data) ?? [];
