import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../../lib/ports.ts';
import { smallest } from '../../../lib/reassignment/smoke.ts';
import { openSimulatedRuntime, type SimulatedRuntime } from '../../support/simulated-runtime.ts';

let bench: SimulatedRuntime;
let cloud: Cloud;
let theirs: string;

const imageOf = async (size: number, more: object) => {
  const body = { name: `of ${size}`, disk_format: 'raw', container_format: 'bare', ...more };
  const { id } = await cloud.post<{ id: string }>('image', '/v2/images', body);
  const bytes = { body: Readable.from([Buffer.alloc(size)]), size };
  await cloud.upload('image', `/v2/images/${id}/file`, bytes);
  return id;
};

beforeAll(async () => {
  bench = await openSimulatedRuntime({}, {}, { tenants: 1, servers: 0 });
  const { destination } = await bench.runtime.clouds();
  if (!destination) throw new Error('there is no destination');
  cloud = destination;
  const wanted = { project: { name: 'a tenant' } };
  const { project } = await cloud.post<{ project: { id: string } }>(
    ...(['identity', '/projects', wanted] as const),
  );
  theirs = await imageOf(100, { owner: project.id, visibility: 'private' });
  await imageOf(200, { owner: project.id, visibility: 'shared' });
});

afterAll(() => bench.close());

test('the disk of a tenant is never booted as a smoke server, however small it is', async () => {
  const everybodys = await imageOf(400, { visibility: 'public' });
  expect((await smallest(cloud, {})).image.id).toBe(everybodys);
  const own = await imageOf(300, { visibility: 'private' });
  expect((await smallest(cloud, {})).image.id).toBe(own);
});

test('it is when the operator has named it', async () => {
  expect((await smallest(cloud, { image: theirs })).image.id).toBe(theirs);
});
