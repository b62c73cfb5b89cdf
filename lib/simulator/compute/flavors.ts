/** Flavors, their extra specs and who may use the private ones. */
import type { Fields, Flavor } from '../model.ts';
import { requireAdmin } from '../policy.ts';
import { isTrue, numberOf, recordOf, textOf } from '../reading.ts';
import { badRequest, conflict, notFound } from '../refusal.ts';
import { accepted, type Call, ok, type Routes, under } from '../router.ts';
import { bookmark, collectionPage, selfLinks } from './view.ts';

const DESCRIPTION_SINCE = 55;
const SPECS_SINCE = 61;
const SWAP_NUMBER_SINCE = 75;

export function flavorOf(call: Call, id = call.param('id')): Flavor {
  const flavor = call.cloud.flavors.get(id);
  const isOpen = flavor?.is_public || flavor?.access.includes(call.who.projectId);
  if (!flavor || !(isOpen || call.who.admin)) throw notFound(`Flavor ${id} could not be found.`);
  return flavor;
}

function view(call: Call, flavor: Flavor): Fields {
  return {
    id: flavor.id,
    name: flavor.name,
    ram: flavor.ram,
    disk: flavor.disk,
    swap: flavor.swap === 0 && call.version < SWAP_NUMBER_SINCE ? '' : flavor.swap,
    'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeral,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': flavor.is_public,
    rxtx_factor: flavor.rxtx_factor,
    links: selfLinks(call, 'flavors', flavor.id),
    ...(call.version >= DESCRIPTION_SINCE ? { description: flavor.description } : {}),
    ...(call.version >= SPECS_SINCE ? { extra_specs: flavor.extra_specs } : {}),
  };
}

const brief = (call: Call, flavor: Flavor): Fields => ({
  id: flavor.id,
  name: flavor.name,
  links: selfLinks(call, 'flavors', flavor.id),
  ...(call.version >= DESCRIPTION_SINCE ? { description: flavor.description } : {}),
});

/** `is_public=None` shows all to an admin; otherwise public ones, and those one has access to. */
function isListed(call: Call, flavor: Flavor): boolean {
  const wanted = call.query.get('is_public');
  const isMine = flavor.is_public || flavor.access.includes(call.who.projectId);
  if (!call.who.admin || wanted === null) return isMine;
  return /^none$/i.test(wanted) || isTrue(wanted) === flavor.is_public;
}

const list = (show: (call: Call, flavor: Flavor) => Fields) => (call: Call) => {
  const all = call.cloud.flavors.where(
    (flavor) =>
      isListed(call, flavor) &&
      flavor.ram >= numberOf(call.query.get('minRam')) &&
      flavor.disk >= numberOf(call.query.get('minDisk')),
  );
  return collectionPage(call, 'flavors', all, show);
};

function create(call: Call) {
  requireAdmin(call, 'os_compute_api:os-flavor-manage:create');
  const input = under(call, 'flavor');
  for (const name of ['name', 'ram', 'vcpus', 'disk'])
    if (input[name] === undefined)
      throw badRequest(
        `Invalid input for field/attribute flavor. Value: ${JSON.stringify(input)}. '${name}' is a required property`,
      );
  const id = textOf(input.id) === 'auto' ? '' : textOf(input.id);
  if (id && call.cloud.flavors.get(id)) throw conflict(`Flavor with ID ${id} already exists.`);
  if (call.cloud.flavors.find((one) => one.name === input.name))
    throw conflict(`Flavor with name ${textOf(input.name)} already exists.`);
  const flavor = call.cloud.flavors.put({
    id: id || call.cloud.newId(),
    name: textOf(input.name),
    ram: numberOf(input.ram),
    vcpus: numberOf(input.vcpus),
    disk: numberOf(input.disk),
    swap: numberOf(input.swap),
    ephemeral: numberOf(input['OS-FLV-EXT-DATA:ephemeral']),
    rxtx_factor: numberOf(input.rxtx_factor, 1),
    is_public: input['os-flavor-access:is_public'] !== false,
    description: textOf(input.description) || null,
    extra_specs: {},
    access: [],
  });
  return ok({ flavor: view(call, flavor) });
}

const specRoutes: Routes = {
  'GET /flavors/:id/os-extra_specs': (call) => ok({ extra_specs: flavorOf(call).extra_specs }),
  'GET /flavors/:id/os-extra_specs/:key': (call) => ok({ [call.param('key')]: specOf(call) }),
  'POST /flavors/:id/os-extra_specs': (call) => {
    requireAdmin(call, 'os_compute_api:os-flavor-extra-specs:create');
    const flavor = flavorOf(call);
    const given = Object.entries(under(call, 'extra_specs'));
    const specs = Object.fromEntries(given.map(([key, value]) => [key, textOf(value)]));
    call.cloud.flavors.put({ ...flavor, extra_specs: { ...flavor.extra_specs, ...specs } });
    return ok({ extra_specs: specs });
  },
  'DELETE /flavors/:id/os-extra_specs/:key': (call) => {
    requireAdmin(call, 'os_compute_api:os-flavor-extra-specs:delete');
    specOf(call);
    const flavor = flavorOf(call);
    delete flavor.extra_specs[call.param('key')];
    call.cloud.flavors.put(flavor);
    return ok(undefined);
  },
};

function specOf(call: Call): string {
  const flavor = flavorOf(call);
  const value = flavor.extra_specs[call.param('key')];
  if (value === undefined)
    throw notFound(`Flavor ${flavor.id} has no extra specs with key ${call.param('key')}.`);
  return value;
}

const accessOf = (flavor: Flavor) => ({
  flavor_access: flavor.access.map((tenant_id) => ({ flavor_id: flavor.id, tenant_id })),
});

function changeAccess(call: Call) {
  const flavor = flavorOf(call);
  const add = recordOf(call.body.addTenantAccess).tenant;
  const tenant = textOf(add ?? recordOf(call.body.removeTenantAccess).tenant);
  requireAdmin(call, `os_compute_api:os-flavor-access:${add ? 'add' : 'remove'}_tenant_access`);
  if (!call.cloud.table('project').get(tenant))
    throw badRequest(`Project ID ${tenant} is not a valid project.`);
  const has = flavor.access.includes(tenant);
  if (add && has)
    throw conflict(
      `Flavor access already exists for flavor ${flavor.id} and project ${tenant} combination.`,
    );
  if (!add && !has)
    throw notFound(`Flavor access not found for ${flavor.id} / ${tenant} combination.`);
  flavor.access = add ? [...flavor.access, tenant] : flavor.access.filter((one) => one !== tenant);
  return ok(accessOf(call.cloud.flavors.put(flavor)));
}

export const flavorRoutes: Routes = {
  'GET /flavors': list(brief),
  'GET /flavors/detail': list(view),
  'GET /flavors/:id': (call) => ok({ flavor: view(call, flavorOf(call)) }),
  'POST /flavors': create,
  'PUT /flavors/:id': (call) => {
    requireAdmin(call, 'os_compute_api:os-flavor-manage:update');
    const description = textOf(under(call, 'flavor').description) || null;
    return ok({ flavor: view(call, call.cloud.flavors.put({ ...flavorOf(call), description })) });
  },
  'DELETE /flavors/:id': (call) => {
    requireAdmin(call, 'os_compute_api:os-flavor-manage:delete');
    call.cloud.flavors.drop(flavorOf(call).id);
    return accepted();
  },
  'GET /flavors/:id/os-flavor-access': (call) => {
    requireAdmin(call, 'os_compute_api:os-flavor-access');
    const flavor = flavorOf(call);
    if (flavor.is_public) throw notFound('Access list not available for public flavors.');
    return ok(accessOf(flavor));
  },
  'POST /flavors/:id/action': changeAccess,
  ...specRoutes,
};

export const flavorRef = (call: Call, flavor: Flavor): Fields =>
  call.version >= 47
    ? {
        vcpus: flavor.vcpus,
        ram: flavor.ram,
        disk: flavor.disk,
        ephemeral: flavor.ephemeral,
        swap: flavor.swap,
        original_name: flavor.name,
        extra_specs: flavor.extra_specs,
      }
    : { id: flavor.id, links: [bookmark(call, 'flavors', flavor.id)] };
