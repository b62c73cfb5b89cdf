/**
 * The registry: one line per type, in the order of discovery, since a type may look at what those
 * before it have found. The order of creation comes from `needs`, not from here.
 */
import type { ResourceName } from '../domain/plan.ts';
import { assignment } from './assignment.ts';
import { domain } from './domain.ts';
import { flavor } from './flavor.ts';
import { floatingIp } from './floating-ip.ts';
import { group } from './group.ts';
import { groupMember } from './group-member.ts';
import { host } from './host.ts';
import { image } from './image.ts';
import { keypair } from './keypair.ts';
import { network } from './network.ts';
import { port } from './port.ts';
import type { Removal } from './removal.ts';
import type { ResourceType, WorldListing } from './resource-type.ts';
import { role } from './role.ts';
import { router } from './router.ts';
import { routerInterface } from './router-interface.ts';
import { routerRoutes } from './router-routes.ts';
import { securityGroup } from './security-group.ts';
import { securityGroupRules } from './security-group-rules.ts';
import { server } from './server.ts';
import { serverGroup } from './server-group.ts';
import { subnet } from './subnet.ts';
import { subnetDhcp } from './subnet-dhcp.ts';
import { tenant } from './tenant.ts';
import { user } from './user.ts';
import { volume } from './volume.ts';
import { volumeSnapshot } from './volume-snapshot.ts';

/** A type whose body is known to nobody but itself. */
// biome-ignore lint/suspicious/noExplicitAny: the registry holds types of different bodies
export type AnyResourceType = ResourceType<any>;

/** Everything that a tenant's migration carries. */
export const resourceTypes: readonly AnyResourceType[] = [
  tenant,
  server,
  assignment,
  group,
  user,
  groupMember,
  role,
  domain,
  flavor,
  image,
  keypair,
  securityGroup,
  securityGroupRules,
  port,
  floatingIp,
  router,
  routerInterface,
  routerRoutes,
  network,
  subnet,
  subnetDhcp,
];

const byName = new Map(resourceTypes.map((one) => [one.type, one]));

/** @throws Error for a name that no file defines: a bug, or a plan of another version */
export const resourceType = (name: ResourceName): AnyResourceType => {
  const known = byName.get(name);
  if (known) return known;
  throw new Error(`There is no resource type ${name} in lib/resources/index.ts`);
};

/** Everything that the world lists. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export const worldListings: readonly WorldListing<any>[] = [
  ...resourceTypes.flatMap(({ world }) => (world ? [world] : [])),
  host.world,
  volume.world,
];

/**
 * What a reset takes away, in this order: nothing goes while something that may hang on it is there.
 * Those of one line go together.
 */
export const removalWaves: readonly (readonly { type: ResourceName; removal?: Removal }[])[] = [
  [floatingIp],
  [server],
  [volumeSnapshot, serverGroup],
  [volume],
  // Before the routers: an address of somebody else that leads to one of them holds its router.
  [port],
  [routerInterface],
  [router],
  [subnet],
  [network],
  [securityGroup],
  [image],
  [flavor],
  [keypair],
  [user],
  [group],
  [role],
  [tenant],
  [domain],
];
