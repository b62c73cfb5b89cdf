/** Packages the service in a folder of its own, without network or credentials, and reads what came out. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(import.meta.dirname, '../..');

/** What goes into a package; the rest of the project is not even there. */
const SOURCES = ['functions', 'lib', 'stepfunctions', 'serverless.yml', 'package.json'];

export type Json = Record<string, unknown>;

export interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is looked at from all sides.
  Properties: any;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
}

export interface Template {
  Resources: Record<string, Resource>;
  Outputs: Record<string, Json>;
}

export interface Package {
  template: Template;
  /** The zip of a function, by its name in serverless.yml. */
  zip(name: string): Promise<Buffer>;
  remove(): Promise<void>;
}

export const packageService = async (): Promise<Package> => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-package-'));
  for (const source of SOURCES) {
    await cp(join(ROOT, source), join(folder, source), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const serverless = join(ROOT, 'node_modules/.bin/serverless');
  const { PATH = '', HOME = '' } = process.env;
  await promisify(execFile)(process.execPath, [serverless, 'package'], {
    cwd: folder,
    env: { PATH, HOME, SLS_NOTIFICATIONS_MODE: 'off', SLS_INTERACTIVE_SETUP_ENABLE: '0' },
  });
  const out = join(folder, '.serverless');
  const template = await readFile(join(out, 'cloudformation-template-update-stack.json'), 'utf8');
  return {
    template: JSON.parse(template),
    zip: (name) => readFile(join(out, `${name}.zip`)),
    remove: () => rm(folder, { recursive: true }),
  };
};
