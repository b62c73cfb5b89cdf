import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Body, until } from '../contract/openstack/session.ts';
import {
  dataFolder,
  launch,
  openEntry,
  type SimulatorProcess,
  spawnSimulator,
  yamlOf,
} from './running.ts';

const SMALL = ['--tenants', '2', '--servers', '4', '--image-mib', '1'];

let data: ReturnType<typeof dataFolder>;
let running: SimulatorProcess | undefined;
beforeEach(() => {
  data = dataFolder();
});
afterEach(async () => {
  if (running?.child.exitCode === null) await running.kill('SIGKILL');
  data.remove();
});

async function start(...more: string[]) {
  running = await spawnSimulator(data.path, ...SMALL, ...more);
  const yaml = await yamlOf(running.url);
  return { admin: await openEntry(yaml, 'source'), process: running };
}

test('what was acknowledged is there after SIGKILL, on another port', async () => {
  const first = await start();
  const project = await first.admin.call('POST', 'identity', '/projects', {
    body: { project: { name: 'kept' } },
  });
  const bytes = randomBytes(300_000);
  const image = await first.admin.call('POST', 'image', '/v2/images', {
    body: { name: 'kept', disk_format: 'raw', container_format: 'bare' },
  });
  const file = `/v2/images/${image.body.id}/file`;
  expect((await first.admin.call('PUT', 'image', file, { bytes })).status).toBe(204);
  const network = await first.admin.call('POST', 'network', '/v2.0/networks', {
    body: { network: { name: 'kept' } },
  });
  await first.process.kill('SIGKILL');

  const { admin } = await start();
  const shown = await admin.call('GET', 'identity', `/projects/${project.body.project.id}`);
  expect(shown.body.project.name).toBe('kept');
  const net = await admin.call('GET', 'network', `/v2.0/networks/${network.body.network.id}`);
  expect(net.body.network.name).toBe('kept');
  const seen = await admin.call('GET', 'image', `/v2/images/${image.body.id}`);
  expect(seen.body).toMatchObject({ status: 'active', size: bytes.length });
  const answer = await fetch(`${admin.url('image')}${file}`, {
    headers: { 'X-Auth-Token': admin.token },
  });
  const hash = createHash('sha512')
    .update(Buffer.from(await answer.arrayBuffer()))
    .digest('hex');
  expect(hash).toBe(seen.body.os_hash_value);
});

test('a server that was building when the process died becomes ACTIVE in the next', async () => {
  const first = await start('--pace', '2');
  const flavors = await first.admin.call('GET', 'compute', '/flavors');
  const images = await first.admin.call('GET', 'image', '/v2/images?visibility=public');
  const made = await first.admin.call('POST', 'compute', '/servers', {
    version: '2.93',
    body: {
      server: {
        name: 'half-done',
        flavorRef: flavors.body.flavors[0].id,
        imageRef: images.body.images[0].id,
        networks: 'none',
      },
    },
  });
  expect(made.status).toBe(202);
  await first.process.kill('SIGKILL');

  const { admin } = await start('--pace', '0');
  const path = `/servers/${made.body.server.id}`;
  const server = await until(
    async () => (await admin.call('GET', 'compute', path)).body.server,
    (one: Body) => one.status === 'ACTIVE',
  );
  expect(server.name).toBe('half-done');
});

test('a snapshot that was uploading when the process died ends in the next', async () => {
  const first = await start('--pace', '2');
  const servers = await first.admin.call('GET', 'compute', '/servers?all_tenants=1&status=ACTIVE');
  const [server] = servers.body.servers.filter((one: Body) => one.name.startsWith('storefront'));
  const made = await first.admin.call('POST', 'compute', `/servers/${server.id}/action`, {
    version: '2.93',
    body: { createImage: { name: 'half-done' } },
  });
  await first.process.kill('SIGKILL');

  const { admin } = await start('--pace', '0');
  const image = await until(
    async () => (await admin.call('GET', 'image', `/v2/images/${made.body.image_id}`)).body,
    (one: Body) => one.status === 'active',
  );
  expect(image.os_hash_value).toMatch(/^[0-9a-f]{128}$/);
});

test('SIGTERM ends the process cleanly, and the end of its parent when asked', async () => {
  const { process: first } = await start();
  await first.kill('SIGTERM');
  expect(first.child.exitCode).toBe(0);
  const { process: second } = await start('--with-parent');
  const gone = new Promise((resolve) => second.child.once('exit', resolve));
  second.child.stdin?.end();
  expect(await gone).toBe(0);
});

test('a port in use is one line and exit 1', async () => {
  const { process: first } = await start();
  const other = dataFolder();
  const child = launch(other.path, ['--port', String(first.port), ...SMALL]);
  const lines = await child.stderr.setEncoding('utf8').toArray();
  expect(lines.join('')).toMatch(/^listen EADDRINUSE[^\n]*\n$/);
  await until(
    async () => child.exitCode,
    (code) => code === 1,
  );
  other.remove();
});
