/** Volumes of a server, from Nova's side. */
import type { Fields, ServerVolume, Volume } from '../model.ts';
import { mayUse } from '../policy.ts';
import { isTrue, textOf } from '../reading.ts';
import { badRequest, notFound } from '../refusal.ts';
import { accepted, type Call, ok, type Routes, under } from '../router.ts';
import { ATTACH_SECONDS, newServerVolume } from '../volume/attaching.ts';
import { requireState } from './actions.ts';
import { changeServer, serverOf } from './servers.ts';

const SINCE = { tag: 70, deleteOnTermination: 79, noId: 89 };

const view = (call: Call, one: ServerVolume): Fields => ({
  ...(call.version < SINCE.noId ? { id: one.volume_id } : {}),
  volumeId: one.volume_id,
  serverId: call.param('id'),
  device: one.device,
  ...(call.version >= SINCE.tag ? { tag: null } : {}),
  ...(call.version >= SINCE.deleteOnTermination
    ? { delete_on_termination: one.delete_on_termination }
    : {}),
  ...(call.version >= SINCE.noId
    ? { attachment_id: one.attachment_id, bdm_uuid: one.bdm_uuid }
    : {}),
});

function attachmentOf(call: Call): ServerVolume {
  const server = serverOf(call);
  const one = server.volumes.find((volume) => volume.volume_id === call.param('volume'));
  if (!one)
    throw notFound(`Instance ${server.id} is not attached to volume ${call.param('volume')}`);
  return one;
}

function volumeFor(call: Call, id: string): Volume {
  const volume = call.cloud.volumes.get(id);
  if (!volume || !mayUse(call, volume.project_id))
    throw notFound(`Volume ${id} could not be found.`);
  const holders = volume.attachments.map((one) => textOf(one.server_id));
  if (holders.length > 0)
    throw badRequest(
      `Invalid volume: volume ${id} is already attached to instances: ${holders.join(', ')}`,
    );
  if (volume.status !== 'available')
    throw badRequest(
      `Invalid input received: Invalid volume: Volume ${id} status must be available or downloading to reserve, but the current status is ${volume.status}.`,
    );
  return volume;
}

function attach(call: Call) {
  const server = serverOf(call);
  const input = under(call, 'volumeAttachment');
  requireState(server, 'attach_volume', ['active', 'paused', 'stopped', 'resized'], true);
  const volume = volumeFor(call, textOf(input.volumeId));
  const one = newServerVolume(call.cloud, server, volume.id, {
    delete_on_termination: isTrue(input.delete_on_termination),
  });
  changeServer(call.cloud, server, { volumes: [...server.volumes, one] });
  call.cloud.volumes.put({ ...volume, status: 'attaching' });
  call.cloud.later(ATTACH_SECONDS, 'volume.attached', volume.id, { server: server.id });
  const body = view(call, one);
  const { attachment_id: _, bdm_uuid: __, ...brief } = body;
  return ok({ volumeAttachment: { id: volume.id, ...brief } });
}

function detach(call: Call) {
  const one = attachmentOf(call);
  if (one.boot) throw badRequest('Cannot detach a root device volume');
  const volume = call.cloud.volumes.get(one.volume_id);
  if (volume) call.cloud.volumes.put({ ...volume, status: 'detaching' });
  call.cloud.later(ATTACH_SECONDS, 'volume.detached', one.volume_id, { server: call.param('id') });
  return accepted();
}

const PATH = '/servers/:id/os-volume_attachments';

export const attachmentRoutes: Routes = {
  [`GET ${PATH}`]: (call) =>
    ok({ volumeAttachments: serverOf(call).volumes.map((one) => view(call, one)) }),
  [`GET ${PATH}/:volume`]: (call) => ok({ volumeAttachment: view(call, attachmentOf(call)) }),
  [`POST ${PATH}`]: attach,
  [`DELETE ${PATH}/:volume`]: detach,
};
