/** The small texts of a server: metadata, tags, addresses, security groups, its history. */
import type { Item, Server } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { listOf, omit, recordOf, textOf } from '../reading.ts';
import { badRequest, notFound } from '../refusal.ts';
import { type Answer, type Call, noContent, ok, type Routes, under } from '../router.ts';
import { changeServer, serverOf } from './servers.ts';
import { addressesOf } from './view.ts';

function withMetadata(call: Call, metadata: Record<string, unknown>): Server {
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw badRequest(
        `Invalid input for field/attribute ${key}. Value: ${textOf(value)}. ${JSON.stringify(value)} is not of type 'string'`,
      );
  return changeServer(call.cloud, serverOf(call), {
    metadata: metadata as Record<string, string>,
  });
}

function metadataItem(call: Call): string {
  const value = serverOf(call).metadata[call.param('key')];
  if (value === undefined) throw notFound('Metadata item was not found');
  return value;
}

const metadataRoutes: Routes = {
  'GET /servers/:id/metadata': (call) => ok({ metadata: serverOf(call).metadata }),
  'POST /servers/:id/metadata': (call) => {
    const all = { ...serverOf(call).metadata, ...under(call, 'metadata') };
    return ok({ metadata: withMetadata(call, all).metadata });
  },
  'PUT /servers/:id/metadata': (call) =>
    ok({ metadata: withMetadata(call, under(call, 'metadata')).metadata }),
  'GET /servers/:id/metadata/:key': (call) =>
    ok({ meta: { [call.param('key')]: metadataItem(call) } }),
  'PUT /servers/:id/metadata/:key': (call) => {
    const key = call.param('key');
    const meta = under(call, 'meta');
    if (!(key in meta)) throw badRequest('Request body and URI mismatch');
    withMetadata(call, { ...serverOf(call).metadata, [key]: meta[key] });
    return ok({ meta: { [key]: meta[key] } });
  },
  'DELETE /servers/:id/metadata/:key': (call) => {
    metadataItem(call);
    withMetadata(call, omit(serverOf(call).metadata, [call.param('key')]));
    return noContent();
  },
};

const setTags = (call: Call, tags: string[]) =>
  changeServer(call.cloud, serverOf(call), { tags: [...new Set(tags)] });

function addTag(call: Call): Answer {
  const server = serverOf(call);
  const has = server.tags.includes(call.param('tag'));
  setTags(call, [...server.tags, call.param('tag')]);
  const path = `/compute/v2.1/servers/${server.id}/tags/${call.param('tag')}`;
  return has ? noContent() : { status: 201, headers: { Location: call.cloud.origin() + path } };
}

function requireTag(call: Call): void {
  if (!serverOf(call).tags.includes(call.param('tag')))
    throw notFound(`Server ${call.param('id')} has no tag '${call.param('tag')}'`);
}

const tagRoutes: Routes = {
  'GET /servers/:id/tags': (call) => ok({ tags: serverOf(call).tags }),
  'PUT /servers/:id/tags': (call) =>
    ok({
      tags: setTags(
        call,
        listOf(call.body.tags).map((tag) => textOf(tag)),
      ).tags,
    }),
  'DELETE /servers/:id/tags': (call) => {
    setTags(call, []);
    return noContent();
  },
  'GET /servers/:id/tags/:tag': (call) => {
    requireTag(call);
    return noContent();
  },
  'PUT /servers/:id/tags/:tag': addTag,
  'DELETE /servers/:id/tags/:tag': (call) => {
    requireTag(call);
    setTags(
      call,
      serverOf(call).tags.filter((tag) => tag !== call.param('tag')),
    );
    return noContent();
  },
};

function securityGroups(call: Call) {
  const { cloud } = call;
  const ids = serverOf(call).ports.flatMap((id) => cloud.ports.get(id)?.security_groups ?? []);
  const groups = [...new Set(ids)].flatMap((id) => cloud.table('security-group').get(id) ?? []);
  return ok({ security_groups: groups.map(groupView) });
}

/** Nova's old word for a group; its rules are Neutron's to tell. */
const groupView = (group: Item) => ({
  id: group.id,
  description: group.description,
  name: group.name,
  tenant_id: group.project_id,
  rules: [],
});

const ownGroups = (call: Call) => {
  const mine = call.cloud
    .table('security-group')
    .where((group) => group.project_id === call.who.projectId);
  return ok({ security_groups: mine.map(groupView) });
};

function actionEntry(call: Call) {
  const server = serverOf(call);
  const entry = server.actions.find((one) => one.request_id === call.param('request'));
  if (!entry) throw notFound(`Action ${call.param('request')} on instance ${server.id} not found`);
  return ok({ instanceAction: { instance_uuid: server.id, ...entry, events: [] } });
}

/** What a project's servers used; this cloud bills nobody. */
function usage(call: Call) {
  requireAdmin(call, 'os_compute_api:os-simple-tenant-usage:list');
  return ok({ tenant_usages: [] });
}

export const textRoutes: Routes = {
  ...metadataRoutes,
  ...tagRoutes,
  'GET /servers/:id/ips': (call) => ok({ addresses: addressesOf(call, serverOf(call), false) }),
  'GET /servers/:id/os-security-groups': securityGroups,
  'GET /os-security-groups': ownGroups,
  'GET /servers/:id/os-instance-actions': (call) => {
    const server = serverOf(call);
    const entries = server.actions.map((one) => ({
      ...recordOf(one),
      instance_uuid: server.id,
    }));
    return ok({ instanceActions: entries });
  },
  'GET /servers/:id/os-instance-actions/:request': actionEntry,
  'GET /servers/:id/diagnostics': (call) => {
    requireAdmin(call, 'os_compute_api:os-server-diagnostics');
    return ok({ state: 'running', driver: 'fake', hypervisor: 'fake' });
  },
  'GET /os-simple-tenant-usage': usage,
  'GET /extensions': () => ok({ extensions: [] }),
};
