import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { certificateAuthority } from './certificate.ts';
import { fakeClock, scriptedServer } from './scripted-server.ts';

const authority = certificateAuthority('Test Authority');
const server = authority.issue('cloud');
const folder = mkdtempSync(join(tmpdir(), 'tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('a cloud behind TLS', () => {
  test('is trusted by the cacert of clouds.yaml', async () => {
    await using cloud = await scriptedServer(server);
    const config = cloud.config(`    cacert: ${file('ca.pem', authority.cert)}`);
    expect(await openCloud(config, 'source').self()).toMatchObject({ userId: 'user-1' });
  });

  test('is trusted by a cacert that is the text itself', async () => {
    await using cloud = await scriptedServer(server);
    const config = { ...cloud.config(), tls: { verify: true, cacert: authority.cert } };
    expect(await openCloud(config, 'source').self()).toMatchObject({ userId: 'user-1' });
  });

  test('is not trusted without, and asked once', async () => {
    await using cloud = await scriptedServer(server);
    const clock = fakeClock();
    await expect(openCloud(cloud.config(), 'source', { clock }).self()).rejects.toMatchObject({
      name: 'CloudUnavailable',
      message: expect.stringContaining('offers a certificate that is not trusted'),
    });
    expect(clock.slept).toEqual([]);
  });

  test('is not trusted by another authority', async () => {
    await using cloud = await scriptedServer(server);
    const other = certificateAuthority('Other Authority');
    const config = { ...cloud.config(), tls: { verify: true, cacert: other.cert } };
    await expect(openCloud(config, 'source').self()).rejects.toMatchObject({
      name: 'CloudUnavailable',
    });
  });

  test.each(['verify: false', 'insecure: true'])('is not asked for trust with %s', async (line) => {
    await using cloud = await scriptedServer(server);
    const config = cloud.config(`    ${line}`);
    expect(await openCloud(config, 'source').self()).toMatchObject({ userId: 'user-1' });
  });

  test('that wants to know us gets our certificate', async () => {
    const wanting = { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    await using cloud = await scriptedServer(wanting);
    const ca = `    cacert: ${file('ca.pem', authority.cert)}\n`;
    const me = authority.issue('pumphouse');
    const own = `    cert: ${file('me.pem', me.cert)}\n    key: ${file('me.key', me.key)}\n`;
    expect(await openCloud(cloud.config(ca + own), 'source').self()).toMatchObject({
      userId: 'user-1',
    });
    await expect(
      openCloud(cloud.config(ca), 'source', { clock: fakeClock() }).self(),
    ).rejects.toMatchObject({ name: 'CloudUnavailable' });
  });
});

test('a certificate file that is missing is named', async () => {
  await using cloud = await scriptedServer();
  const config = cloud.config(`    cacert: ${join(folder, 'none.pem')}`);
  expect(() => openCloud(config, 'source')).toThrow(
    `cloud "east": cacert ${join(folder, 'none.pem')} cannot be read (ENOENT)`,
  );
});
