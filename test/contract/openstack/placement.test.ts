import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openYard, type Yard } from './machine.ts';
import { type Body, underContract } from './session.ts';

const { cloud } = underContract();
let yard: Yard;
beforeAll(async () => {
  yard = await openYard(cloud);
  await yard.boot();
});
afterAll(() => yard.clear());

const version = '1.39';
const get = (path: string) => cloud.admin.call('GET', 'placement', path, { version });

describe('Placement', () => {
  test('has a provider for every hypervisor, by the same id', async () => {
    const providers = await get('/resource_providers');
    const hypervisors = await cloud.admin.call('GET', 'compute', '/os-hypervisors', {
      version: '2.93',
    });
    const ids = providers.body.resource_providers.map((one: Body) => one.uuid).sort();
    expect(ids).toEqual(hypervisors.body.hypervisors.map((one: Body) => one.id).sort());
    const [first] = providers.body.resource_providers;
    const named = await get(`/resource_providers?name=${first.name}`);
    expect(named.body.resource_providers).toHaveLength(1);
    expect(first).toMatchObject({ parent_provider_uuid: null, root_provider_uuid: first.uuid });
  });

  test('knows what each has, what is used, and by whom', async () => {
    const providers = await get('/resource_providers');
    const paths = providers.body.resource_providers.map(
      (one: Body) => `/resource_providers/${one.uuid}`,
    );
    const inventories = await get(`${paths[0]}/inventories`);
    expect(inventories.body.inventories.VCPU).toMatchObject({ total: 64, allocation_ratio: 16 });
    expect(inventories.body.inventories.MEMORY_MB).toMatchObject({ reserved: 512 });
    for (const path of paths) {
      const usages = await get(`${path}/usages`);
      const allocations = await get(`${path}/allocations`);
      const [consumer] = Object.keys(allocations.body.allocations);
      if (!consumer) continue;
      expect(usages.body.usages.VCPU).toBeGreaterThan(0);
      const one = await get(`/allocations/${consumer}`);
      expect(one.body).toHaveProperty('project_id');
      return;
    }
    throw new Error('no provider is used');
  });

  test('finds candidates', async () => {
    const answer = await get('/allocation_candidates?resources=VCPU:1,MEMORY_MB:64&limit=1');
    expect(answer.body.allocation_requests).toHaveLength(1);
    const [request] = answer.body.allocation_requests;
    expect(Object.values(request.allocations)).toEqual([{ resources: { VCPU: 1, MEMORY_MB: 64 } }]);
  });

  test('answers 404 for an unknown provider, an empty list for an unknown consumer', async () => {
    const unknown = '11111111-2222-4333-8444-555555555555';
    const provider = await get(`/resource_providers/${unknown}`);
    expect(provider.status).toBe(404);
    expect(provider.body.errors[0]).toMatchObject({ status: 404, title: 'Not Found' });
    expect((await get(`/allocations/${unknown}`)).body).toEqual({ allocations: {} });
  });

  test('is closed to members', async () => {
    const answer = await cloud.member.call('GET', 'placement', '/resource_providers', { version });
    expect(answer.status).toBe(403);
  });
});
