/** Projects that a shared image is offered to. */
import type { Fields, Item } from '../model.ts';
import { omit, textOf } from '../reading.ts';
import { badRequest, conflict, forbidden, notFound } from '../refusal.ts';
import { type Call, noContent, ok, type Routes } from '../router.ts';
import { changeable, imageOf } from './images.ts';

const view = (member: Item): Fields => ({
  ...omit(member, ['id']),
  schema: '/v2/schemas/member',
});

function memberOf(call: Call): Item {
  const image = imageOf(call);
  const found = call.cloud.table('image-member').get(`${image.id}/${call.param('member')}`);
  if (!found)
    throw notFound(
      `${call.param('member')} not found in the member list of the image ${image.id}.`,
    );
  return found;
}

function add(call: Call) {
  const image = changeable(call);
  if (image.visibility !== 'shared') throw forbidden('Only shared images have members.');
  const member = textOf(call.body.member);
  if (!member) throw badRequest('Member to be added not specified');
  const id = `${image.id}/${member}`;
  if (call.cloud.table('image-member').get(id))
    throw conflict(`Member ${member} is duplicated for image ${image.id}`);
  const now = call.cloud.stamp();
  const row = { id, member_id: member, image_id: image.id, status: 'pending' };
  return ok(
    view(call.cloud.table('image-member').put({ ...row, created_at: now, updated_at: now })),
  );
}

/** Only the member itself (or an admin) accepts. */
function decide(call: Call) {
  const member = memberOf(call);
  if (!call.who.admin && member.member_id !== call.who.projectId)
    throw forbidden('You are not authorized to complete modify_member action.');
  const status = textOf(call.body.status);
  if (!['pending', 'accepted', 'rejected'].includes(status))
    throw badRequest('Status not specified');
  return ok(
    view(
      call.cloud.table('image-member').put({ ...member, status, updated_at: call.cloud.stamp() }),
    ),
  );
}

export const memberRoutes: Routes = {
  'GET /v2/images/:id/members': (call) => {
    const image = imageOf(call);
    const members = call.cloud
      .table('image-member')
      .where(
        (one) =>
          one.image_id === image.id &&
          (call.who.admin ||
            image.owner === call.who.projectId ||
            one.member_id === call.who.projectId),
      );
    return ok({ members: members.map(view), schema: '/v2/schemas/members' });
  },
  'POST /v2/images/:id/members': add,
  'GET /v2/images/:id/members/:member': (call) => ok(view(memberOf(call))),
  'PUT /v2/images/:id/members/:member': decide,
  'DELETE /v2/images/:id/members/:member': (call) => {
    changeable(call);
    call.cloud.table('image-member').drop(memberOf(call).id);
    return noContent();
  },
};
