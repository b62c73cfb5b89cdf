/** The programs beside the tests, `seed-tenant` and `compare`, run as an operator would. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The bed's clouds.yaml: `test/openstack/run` sets it. */
export const bedClouds = (): string => {
  const file = process.env.BED_CLOUDS;
  if (!file) throw new Error('BED_CLOUDS is not set: run this by npm run test:openstack');
  return file;
};

/** What `seed-tenant` made. */
export interface Seeded {
  run: string;
  domain: string;
  tenant: { id: string; name: string };
  servers: Record<string, string>;
  user: { id: string; name: string };
  keypair: string;
  /** The tenant that cannot be migrated yet. */
  refused: { id: string; name: string; volume: { id: string; name: string } };
}

const program = async (name: string, ...words: string[]): Promise<string> => {
  const { stdout } = await execute(`${import.meta.dirname}/${name}`, words, {
    env: { ...process.env, OS_CLIENT_CONFIG_FILE: bedClouds() },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
};

/** Seeds `source` under a name that no other run has. */
export const seedTenant = async (): Promise<Seeded> =>
  JSON.parse(await program('seed-tenant', `t${randomBytes(3).toString('hex')}`));

/** Removes from both clouds whatever belongs to the run. */
export const removeSeed = (run: string): Promise<string> => program('seed-tenant', '--remove', run);

/** Everything a tenant has in a cloud, as text; `before` is a file with an earlier one. */
export const recordTenant = (cloud: string, tenantId: string, before?: string): Promise<string> =>
  program('compare', 'record', cloud, tenantId, ...(before ? [before] : []));

/** The table of what was compared, with the differences; `equal` says that there are none. */
export const compareRecords = async (
  before: string,
  after: string,
): Promise<{ equal: boolean; table: string }> => {
  try {
    return { equal: true, table: await program('compare', 'diff', before, after) };
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    if (code === 1 && stdout) return { equal: false, table: stdout };
    throw error;
  }
};
