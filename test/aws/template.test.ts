/** The packaged template as CloudFormation's own linter reads it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { variable } from './deployed-service.ts';

const TEMPLATES = ['create', 'update'].map((step) => `cloudformation-template-${step}-stack.json`);

interface StateMachine {
  Type: string;
  Properties: { Definition: { StartAt: string; States: Record<string, { Type?: string }> } };
}

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

  it('reads the states of every machine: it refuses one that has no type', async () => {
    const template = JSON.parse(await readFile(packaged(TEMPLATES[1] ?? ''), 'utf8'));
    const machines = Object.values<StateMachine>(template.Resources).filter(
      ({ Type }) => Type === 'AWS::StepFunctions::StateMachine',
    );
    for (const { Properties } of machines) {
      const { StartAt, States } = Properties.Definition;
      delete States[StartAt]?.Type;
    }
    const broken = join(folder, 'broken.json');
    await writeFile(broken, JSON.stringify(template, null, 2));
    // FILE:LINE:COLUMN:…:E3601:what
    const refused = (await lint(broken)).match(/:\d+:(?=\d+:\d+:\d+:E3601)/g);
    expect(machines.length).toBeGreaterThan(2);
    expect(new Set(refused).size).toBe(machines.length);
  });
});
