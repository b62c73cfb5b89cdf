import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginReassigning, type Reassigning } from '../../support/reassigning.ts';

const HOST = 'rack1-node1';
const OTHER = 'rack1-node2';

let story: Reassigning;

beforeAll(async () => {
  story = await beginReassigning();
});

afterAll(() => story.end());

const refusal = async (host: string, body?: object) => {
  const { status, json } = await story.request(host, body);
  return [status, `${json.detail} ${JSON.stringify(json)}`];
};

describe('DELETE /hosts/{host_id}', () => {
  test('refuses a host that the source does not have, a part of a name, too', async () => {
    for (const host of ['nowhere', HOST.slice(0, -1)]) expect((await refusal(host))[0]).toBe(404);
  });

  test('takes a name that only looks encoded as it is', async () => {
    const { status, json } = await story.request('100%');
    expect([status, json.detail]).toEqual([404, expect.stringContaining('100%')]);
  });

  test('refuses a host that is not evacuated, naming all that is in the way', async () => {
    const [status, said] = await refusal(HOST);
    expect(status).toBe(409);
    expect(said).toContain('its compute service is enabled');
    expect(said).toMatch(/\d+ of its servers are still there/);
    expect(said).toContain(`POST /hosts/${HOST}`);
  });

  test('refuses fields that the provisioner does not know, by name', async () => {
    const [status, said] = await refusal(HOST, { force: true, image: 'x', roles: [] });
    expect([status, said]).toEqual([400, expect.stringContaining('unknown: force, roles')]);
    expect((await refusal(HOST, { name: 7 }))[0]).toBe(400);
    expect((await refusal(HOST, [] as object))[0]).toBe(400);
  });

  test('refuses a name that the destination has already, before anything is changed', async () => {
    await story.vacate(HOST);
    const [status, said] = await refusal(HOST, { name: 'hall2-node1' });
    expect([status, said]).toEqual([409, expect.stringContaining('already has a host')]);
  });

  test('refuses a host whose node is unknown, a tenant’s, or in maintenance', async () => {
    expect(await refusal(HOST, { node: 'nobody' })).toEqual([
      ...[409, expect.stringContaining('Ironic has no node for host')],
    ]);
    const { uuid } = await story.node(HOST);
    await story.destination.patch('baremetal', `/v1/nodes/${uuid}`, [
      { op: 'add', path: '/instance_uuid', value: 'd4c2a9a4-0000-4000-8000-000000000001' },
    ]);
    expect(await refusal(HOST)).toEqual([409, expect.stringContaining('Nova runs a server')]);
    await story.destination.patch('baremetal', `/v1/nodes/${uuid}`, [
      { op: 'remove', path: '/instance_uuid' },
    ]);
    const path = `/v1/nodes/${uuid}/maintenance`;
    await story.destination.put('baremetal', path, { reason: 'new fans' });
    expect(await refusal(HOST)).toEqual([409, expect.stringContaining('new fans')]);
    await story.destination.delete('baremetal', path);
  });

  test('left nothing behind where it refused', async () => {
    const { events, hosts } = await story.world();
    expect([events, hosts]).toEqual([[], []]);
  });

  test('answers 201 with the operation; a second one meets it; a repeat by key is the same', async () => {
    await story.vacate(OTHER);
    const send = () =>
      fetch(`${story.service.url}/hosts/${OTHER}`, {
        method: 'DELETE',
        headers: { 'idempotency-key': 'first' },
      });
    const [first, again] = [await send(), await send()];
    const { id, ...answer } = (await first.json()) as { id: string };
    expect([first.status, first.headers.get('location')]).toEqual([201, `/events/${id}`]);
    expect(answer).toMatchObject({
      ...{ kind: 'reassignment', events: `/events/${id}` },
      host: { id: OTHER, name: OTHER, new_id: OTHER },
    });
    expect([again.status, ((await again.json()) as { id: string }).id]).toEqual([201, id]);
    await story.told(id);
    expect((await refusal(OTHER))[0]).toBe(404);
  });
});

describe('a service without what it takes', () => {
  test('refuses to reassign, and says what to configure', async () => {
    const other = await beginReassigning({}, '');
    try {
      await other.vacate(HOST);
      const { status, json } = await other.request(HOST);
      expect([status, json.detail]).toEqual([409, expect.stringContaining('PROVISIONER')]);
    } finally {
      await other.end();
    }
  });
});
