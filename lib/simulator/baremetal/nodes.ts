/** Ironic's nodes: what they show, how they are made, found, changed and removed. */
import type { SimulatedCloud } from '../cloud.ts';
import type { Fields, Node } from '../model.ts';
import { isTrue, listOf, omit, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { type Call, created, noContent, ok, type Routes } from '../router.ts';
import { dropPorts, macOf, putPort } from './ports.ts';

const DRIVER = 'fake-hardware';
const CONDUCTOR = 'destination';
const NAME = /^[A-Za-z0-9_.~-]+$/;
const INTERFACES = [
  ...['bios', 'boot', 'console', 'deploy', 'inspect', 'management', 'power', 'raid', 'rescue'],
  ...['storage', 'vendor'],
];
const SETTABLE = [
  ...['name', 'driver', 'driver_info', 'properties', 'extra', 'resource_class', 'description'],
  ...['instance_info', 'instance_uuid', 'uuid', 'owner', 'automated_clean', 'conductor_group'],
];
/** May be removed: none of them runs anything. */
const REMOVABLE = ['manageable', 'enroll', 'adopt failed', 'available'];

/** `2026-11-23T16:00:50+00:00`, as Ironic writes. */
export const stamp = (cloud: SimulatedCloud): string => cloud.stamp().replace('Z', '+00:00');

const blank = (cloud: SimulatedCloud): Node => ({
  id: cloud.newId(),
  machine: '',
  name: null,
  created_at: stamp(cloud),
  updated_at: null,
  driver: DRIVER,
  provision_state: 'enroll',
  target_provision_state: null,
  provision_updated_at: null,
  power_state: null,
  target_power_state: null,
  last_error: null,
  reservation: null,
  maintenance: false,
  maintenance_reason: null,
  fault: null,
  inspection_finished_at: null,
  driver_info: {},
  properties: {},
  extra: {},
  instance_info: {},
  instance_uuid: null,
  resource_class: null,
  description: null,
});

export const links = (call: Call, kind: string, id: string) => [
  { rel: 'self', href: `${call.cloud.origin()}/baremetal/v1/${kind}/${id}` },
  { rel: 'bookmark', href: `${call.cloud.origin()}/baremetal/${kind}/${id}` },
];

const BRIEF = ['instance_uuid', 'maintenance', 'power_state', 'provision_state', 'name'];

const brief = (call: Call, node: Node): Fields => ({
  uuid: node.id,
  ...Object.fromEntries(BRIEF.map((name) => [name, node[name]])),
  links: links(call, 'nodes', node.id),
});

const view = (call: Call, node: Node): Fields => ({
  uuid: node.id,
  ...omit(node, ['id', 'machine']),
  instance_info: {
    ...node.instance_info,
    ...('configdrive' in node.instance_info ? { configdrive: '******' } : {}),
  },
  ...Object.fromEntries(INTERFACES.map((name) => [`${name}_interface`, 'fake'])),
  network_interface: 'noop',
  conductor: CONDUCTOR,
  ...{ driver_internal_info: {}, traits: [], retired: false, protected: false },
  links: links(call, 'nodes', node.id),
});

/** By UUID, or by name. */
export function nodeOf(call: Call): Node {
  const wanted = call.param('id');
  const node = call.cloud.nodes.find((one) => one.id === wanted || one.name === wanted);
  if (!node) throw notFound(`Node ${wanted} could not be found.`);
  return node;
}

function list(call: Call) {
  const { query } = call;
  const fit = call.cloud.nodes.where(
    (node) =>
      ['provision_state', 'driver', 'resource_class', 'instance_uuid'].every(
        (name) => !query.has(name) || query.get(name) === node[name],
      ) &&
      (!query.has('maintenance') || isTrue(query.get('maintenance')) === node.maintenance),
  );
  const isDetail = call.path.endsWith('/detail') || isTrue(query.get('detail'));
  return ok({ nodes: fit.map((node) => (isDetail ? view(call, node) : brief(call, node))) });
}

function checkName(call: Call, name: unknown, own = ''): void {
  if (name === undefined || name === null) return;
  if (!NAME.test(textOf(name)))
    throw badRequest(`Cannot create node with invalid name '${textOf(name)}'`);
  if (call.cloud.nodes.find((one) => one.name === name && one.id !== own))
    throw conflict(`A node with name ${textOf(name)} already exists.`);
}

function make(call: Call) {
  const { cloud, body } = call;
  for (const field of Object.keys(body))
    if (!SETTABLE.includes(field))
      throw badRequest(
        `Schema error for node: Additional properties are not allowed ('${field}' was unexpected)`,
      );
  if (body.driver !== DRIVER)
    throw badRequest(
      `No valid host was found. Reason: No conductor service registered which supports driver ${textOf(body.driver)} for conductor group "".`,
    );
  checkName(call, body.name);
  const { uuid, ...fields } = body;
  const node = cloud.nodes.put({
    ...blank(cloud),
    ...fields,
    ...(uuid ? { id: String(uuid) } : {}),
  });
  const url = `${cloud.origin()}/baremetal/v1/nodes/${node.id}`;
  return created(view(call, node), { Location: url });
}

/** One step of a JSON Patch on a field, or on a key of one: https://www.rfc-editor.org/rfc/rfc6902 */
function patch(call: Call, node: Node, step: Fields): void {
  const [field = '', key] = textOf(step.path).split('/').slice(1);
  if (!SETTABLE.includes(field))
    throw badRequest(`'/${field}' is an internal attribute and can not be updated`);
  if (field === 'name') checkName(call, step.value, node.id);
  const target: Fields = key === undefined ? node : recordOf(node[field]);
  const name = key ?? field;
  if (step.op !== 'remove') target[name] = step.value;
  else if (!(name in target))
    throw badRequest(
      `Couldn't apply patch '[]'. Reason: can't remove a non-existent object '${name}'`,
    );
  else if (key === undefined) target[name] = field === 'instance_uuid' ? null : {};
  else delete target[name];
  if (key !== undefined) node[field] = target;
}

function change(call: Call) {
  const node = structuredClone(nodeOf(call));
  for (const step of listOf(call.body.list)) patch(call, node, recordOf(step));
  return ok(view(call, call.cloud.nodes.put({ ...node, updated_at: stamp(call.cloud) })));
}

function remove(call: Call) {
  const node = nodeOf(call);
  if (!REMOVABLE.includes(node.provision_state) && !node.maintenance)
    throw conflict(
      `Can not delete node "${node.id}" while it is in provision state "${node.provision_state}". Valid provision states to perform deletion are: "('manageable', 'enroll', 'adopt failed', 'available')", or set the node into maintenance mode`,
    );
  call.cloud.nodes.drop(node.id);
  dropPorts(call.cloud, node.id);
  return noContent();
}

/** Nodes for the machines of these hosts, as an operator would have enrolled them. */
export function enrollNodes(cloud: SimulatedCloud, names: readonly string[]): void {
  for (const name of names) {
    const node = cloud.nodes.put({
      ...blank(cloud),
      ...{ name, machine: name, resource_class: 'baremetal' },
      ...{ provision_state: 'manageable', power_state: 'power on' },
      properties: { cpus: 64, memory_mb: 131_072, local_gb: 2000, cpu_arch: 'x86_64' },
    });
    putPort(cloud, node.id, macOf(name));
  }
}

export const nodeRoutes: Routes = {
  'GET /v1/nodes': list,
  'GET /v1/nodes/detail': list,
  'POST /v1/nodes': make,
  'GET /v1/nodes/:id': (call) => ok(view(call, nodeOf(call))),
  'PATCH /v1/nodes/:id': change,
  'DELETE /v1/nodes/:id': remove,
};
