import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openYard, type Yard } from './machine.ts';
import { type Body, underContract, until } from './session.ts';

const { cloud } = underContract();
let yard: Yard;
let hosts: string[];
beforeAll(async () => {
  yard = await openYard(cloud);
  const services = await yard.compute('GET', '/os-services?binary=nova-compute');
  hosts = services.body.services.map((one: Body) => one.host);
});
afterAll(() => yard.clear());

const hostOf = (server: Body): string => server['OS-EXT-SRV-ATTR:host'];
const otherThan = (host: string): string => hosts.find((one) => one !== host) ?? '';
const live = (host: string | null) => ({ 'os-migrateLive': { host, block_migration: 'auto' } });

async function records(id: string): Promise<Body[]> {
  const answer = await yard.compute('GET', `/os-migrations?instance_uuid=${id}`);
  return answer.body.migrations;
}

const ended = (id: string, status: string) =>
  until(
    () => records(id),
    ([newest]) => newest?.status === status,
  );

const running = (id: string) =>
  until(
    async () => (await yard.compute('GET', `/servers/${id}/migrations`)).body.migrations,
    (list: Body[]) => list[0]?.status === 'running',
  ).then((list) => list[0]);

describe('a live migration', () => {
  test('takes a running server to the named host, with its ports', async () => {
    const server = await yard.boot();
    const to = otherThan(hostOf(server));
    expect((await yard.act(server.id, live(to))).status).toBe(202);
    const during = await yard.show(server.id);
    expect([during.status, during['OS-EXT-STS:task_state']]).toEqual(['MIGRATING', 'migrating']);
    const busy = await yard.act(server.id, { suspend: null });
    expect(busy.status).toBe(409);
    const [record] = await ended(server.id, 'completed');
    expect(record).toMatchObject({
      migration_type: 'live-migration',
      source_compute: hostOf(server),
      dest_compute: to,
      instance_uuid: server.id,
      user_id: cloud.admin.userId,
    });
    expect(hostOf(await yard.settled(server.id, 'ACTIVE'))).toBe(to);
    const ports = await until(
      () => yard.network('GET', `/ports?device_id=${server.id}`),
      (answer) => answer.body.ports[0]['binding:host_id'] === to,
    );
    expect(ports.body.ports[0].status).toBe('ACTIVE');
    const none = await yard.compute('GET', `/servers/${server.id}/migrations`);
    expect(none.body.migrations).toEqual([]);
  });

  test('finds a host by itself, and leaves a paused server paused', async () => {
    const server = await yard.boot();
    await yard.act(server.id, { pause: null });
    await yard.settled(server.id, 'PAUSED');
    expect((await yard.act(server.id, live(null))).status).toBe(202);
    await ended(server.id, 'completed');
    expect(hostOf(await yard.settled(server.id, 'PAUSED'))).not.toBe(hostOf(server));
  });

  test('is aborted while it runs, and the server stays', async () => {
    const server = await yard.boot({ metadata: { bed_seconds: '60' } });
    await yard.act(server.id, live(otherThan(hostOf(server))));
    const one = await running(server.id);
    expect(one).toMatchObject({
      server_uuid: server.id,
      source_compute: hostOf(server),
    });
    // Bytes, or null where the hypervisor's driver counts none.
    expect(one).toHaveProperty('memory_total_bytes');
    const path = `/servers/${server.id}/migrations/${one.id}`;
    expect((await yard.compute('GET', path)).body.migration.id).toBe(one.id);
    expect((await yard.compute('DELETE', path)).status).toBe(202);
    await ended(server.id, 'cancelled');
    expect(hostOf(await yard.settled(server.id, 'ACTIVE'))).toBe(hostOf(server));
    expect((await yard.compute('DELETE', path)).status).toBe(409);
    expect((await yard.compute('GET', path)).status).toBe(404);
  });

  test('is forced to its end', async () => {
    const server = await yard.boot({ metadata: { bed_seconds: '600' } });
    const to = otherThan(hostOf(server));
    await yard.act(server.id, live(to));
    const one = await running(server.id);
    const path = `/servers/${server.id}/migrations/${one.id}/action`;
    expect((await yard.compute('POST', path, { force_complete: null })).status).toBe(202);
    await ended(server.id, 'completed');
    expect(hostOf(await yard.settled(server.id, 'ACTIVE'))).toBe(to);
    expect((await yard.compute('POST', path, { force_complete: null })).status).toBe(409);
  });

  test('that fails leaves the server where it was', async () => {
    const server = await yard.boot({ metadata: { bed_fault: 'live-migration' } });
    await yard.act(server.id, live(otherThan(hostOf(server))));
    await ended(server.id, 'failed');
    expect(hostOf(await yard.settled(server.id, 'ACTIVE'))).toBe(hostOf(server));
  });

  test('to the host where the server is ends in error', async () => {
    const server = await yard.boot();
    expect((await yard.act(server.id, live(hostOf(server)))).status).toBe(202);
    await ended(server.id, 'error');
    await yard.settled(server.id, 'ACTIVE');
  });

  test('is refused: unknown host 400, no block_migration 400, a member 403', async () => {
    const server = await yard.boot();
    expect((await yard.act(server.id, live('no-such-host'))).status).toBe(400);
    expect((await yard.act(server.id, { 'os-migrateLive': { host: null } })).status).toBe(400);
    expect((await yard.act(server.id, live(null), cloud.member)).status).toBe(403);
  });
});

describe('a cold migration', () => {
  test('waits for confirmation on the other host', async () => {
    const server = await yard.boot();
    const to = otherThan(hostOf(server));
    expect((await yard.act(server.id, { migrate: { host: to } })).status).toBe(202);
    const there = await yard.settled(server.id, 'VERIFY_RESIZE');
    expect(hostOf(there)).toBe(to);
    expect((await yard.act(server.id, { suspend: null })).status).toBe(409);
    const [record] = await records(server.id);
    expect(record).toMatchObject({ migration_type: 'migration', status: 'finished' });
    expect((await yard.act(server.id, { confirmResize: null })).status).toBe(204);
    expect(hostOf(await yard.settled(server.id, 'ACTIVE'))).toBe(to);
    await ended(server.id, 'confirmed');
    expect((await yard.act(server.id, { confirmResize: null })).status).toBe(409);
  });

  test('of a server that is off leaves it off, and is taken back on demand', async () => {
    const server = await yard.boot();
    await yard.act(server.id, { 'os-stop': null });
    await yard.settled(server.id, 'SHUTOFF');
    expect((await yard.act(server.id, { migrate: null })).status).toBe(202);
    await yard.settled(server.id, 'VERIFY_RESIZE');
    expect((await yard.act(server.id, { revertResize: null })).status).toBe(202);
    expect(hostOf(await yard.settled(server.id, 'SHUTOFF'))).toBe(hostOf(server));
    await ended(server.id, 'reverted');
  });
});
