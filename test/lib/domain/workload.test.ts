import { describe, expect, test } from 'vitest';
import { prefixFault } from '../../../lib/domain/reset.ts';
import { workloadOf } from '../../../lib/domain/workload.ts';

describe('a workload', () => {
  test('by counts is spelled out, each name once, the same every time', () => {
    const counts = { tenants: 3, servers: 2, images: 2, volumes: 1, floating_ips: 3 };
    const workload = workloadOf({ populate: counts });
    expect(workloadOf({ populate: counts })).toEqual(workload);
    const servers = workload.tenants.flatMap((tenant) => tenant.servers);
    expect(new Set(servers.map(({ name }) => name)).size).toBe(6);
    expect(new Set(servers.map(({ image }) => image))).toEqual(new Set(['image-1', 'image-2']));
    expect(new Set(workload.tenants.flatMap(({ networks }) => networks)).size).toBe(3);
    expect(workload.tenants[0]).toMatchObject({ floating_ips: 1 });
    expect(servers.every(({ floating_ip }) => floating_ip)).toBe(true);
  });

  test('by list gives a server the first of what it does not name', () => {
    const tenant = { name: 'shop', networks: [{ name: 'front' }], servers: [{ name: 'web' }] };
    const lists = { flavors: [{ name: 'small' }], images: [{ name: 'a' }, { name: 'b' }] };
    const { tenants } = workloadOf({ workloads: { ...lists, tenants: [tenant] } });
    expect(tenants[0]?.servers).toEqual([
      {
        ...{ name: 'web', image: 'a', flavor: 'small', network: 'front' },
        ...{ floating_ip: false, volumes: [] },
      },
    ]);
  });

  test.each([
    [{}, /either populate or workloads/],
    [{ populate: {}, workloads: {} }, /either populate or workloads/],
    [{ populate: { tenants: 0 } }, /populate\.tenants is 0/],
    [{ populate: { tenant: 1 } }, /populate\.tenant is not known/],
    [{ workloads: { tenants: [{ name: '' }] } }, /tenants\[0\]\.name/],
    [{ workloads: { tenants: [{ name: 'a' }, { name: 'a' }] } }, /has a twice/],
    [{ workloads: { tenants: [{ name: 'a', servers: [{ name: 'web' }] }] } }, /image is missing/],
    [{ workloads: { images: [{ name: 'a', url: 'file:///etc/passwd' }] } }, /url/],
    [{ workloads: { images: [{ name: 'a', format: 'qcow2' }] } }, /format/],
    [{ workloads: { users: [] } }, /users is not known/],
    [{ populate: {}, external: 'public' }, /external is not known/],
    [[], /takes populate or workloads/],
  ])('%j is refused, naming the field', (given, why) => {
    expect(() => workloadOf(given)).toThrow(why);
  });
});

test('a prefix has four characters or more, that any name may have', () => {
  for (const prefix of ['demo', 'demo-', 'a.b_c-1']) expect(prefixFault(prefix)).toBeUndefined();
  for (const prefix of ['', 'abc', '-demo', 'de mo', '*', 'demö'])
    expect(prefixFault(prefix)).toMatch(/4 to 40/);
});
