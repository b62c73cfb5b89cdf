/** The packaged template as CloudFormation's own linter reads it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { variable } from './deployed-service.ts';

const TEMPLATES = ['create', 'update'].map((step) => `cloudformation-template-${step}-stack.json`);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pumphouse-lint-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What cfn-lint says; nothing when it finds nothing. */
const lint = async (...files: string[]): Promise<string> => {
  const configured = ['--config-file', join(import.meta.dirname, 'cfn-lint.yml')];
  try {
    // In an empty folder: no other configuration of it may be found.
    const words = ['-f', 'parseable', ...configured, '-t', ...files];
    return (await promisify(execFile)(variable('CFN_LINT'), words, { cwd: folder })).stdout;
  } catch (error) {
    return (error as { stdout: string; stderr: string }).stdout;
  }
};

const packaged = (name: string) => join(variable('PACKAGE'), name);

describe('cfn-lint', () => {
  it.each(TEMPLATES)('finds no error and no unexplained warning in %s', async (name) => {
    expect(await lint(packaged(name))).toBe('');
  });

  it.each([
    ['MigrateTenantMachine', 'Plan migration'],
    ['MigrateServerMachine', 'Prepare server'],
    ['EvacuateHostMachine', 'Block host'],
  ])('reads the states of %s: it refuses one that has no type', async (machine, state) => {
    const template = JSON.parse(await readFile(packaged(TEMPLATES[1] ?? ''), 'utf8'));
    delete template.Resources[machine].Properties.Definition.States[state].Type;
    const broken = join(folder, `${machine}.json`);
    await writeFile(broken, JSON.stringify(template));
    expect(await lint(broken)).toMatch(/E3601/);
  });
});
