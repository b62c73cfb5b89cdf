/** `compare` proves nothing unless it sees what is wrong. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { compareRecords, type Seeded } from './programs.ts';

type Kinds = Record<string, Record<string, Record<string, unknown>>>;

/** Declares the tests; `record` is the file of a seeded tenant's record, once the tests run. */
export const exerciseCompare = (record: () => string, seeded: () => Seeded): void => {
  const read = async () => JSON.parse(await readFile(record(), 'utf8')) as Kinds;

  it('covers every kind that was seeded', async () => {
    const counts = Object.entries(await read()).map(([kind, named]) => {
      return [kind, Object.keys(named).length];
    });
    expect(Object.fromEntries(counts)).toEqual({
      ...{ ids: 4, project: 1, domain: 1, assignment: 4, role: 3, user: 3, group: 1, keypair: 1 },
      ...{ 'security group': 3, 'security group rule': 11, network: 2, subnet: 2, router: 1 },
      ...{ port: 7, 'floating ip': 2, server: 4, flavor: 2, image: 2, disk: 4 },
    });
  });

  it.each([
    ['another MAC', 'port', '10.30.0.11 of network RUN-front', 'mac_address', 'x'],
    ['two NICs in another order', 'server', 'RUN-web', 'addresses_in_nic_order', ['b', 'a']],
    ['other user data', 'server', 'RUN-web', 'OS-EXT-SRV-ATTR:user_data', 'eA=='],
    ['other bytes on a disk', 'disk', 'RUN-off', 'sha512', 'x'],
    ["a disk that is not the server's own", 'disk', 'RUN-off', 'writers', []],
    ['a group that is nowhere in the source', 'security group', 'more', 'name', 'more'],
  ])('tells of %s', async (_what, kind, name, field, value) => {
    const kinds = await read();
    const key = name.replace('RUN', seeded().run);
    kinds[kind] = { ...kinds[kind], [key]: { ...kinds[kind]?.[key], [field]: value } };
    const changed = `${record()}.changed`;
    await writeFile(changed, JSON.stringify(kinds));
    const { equal, table } = await compareRecords(record(), changed);
    const differences = table.split('\n').filter((line) => line.startsWith('differs: '));
    expect(equal).toBe(false);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain(`differs: ${kind} ${key}: `);
  });
};
