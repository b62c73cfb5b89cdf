/** Packages the service in a folder of its own, without network or credentials, and reads what came out. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
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

/** Leaves the bundles out, which take a minute: for who looks at the template alone. */
const leaveBundles = async (folder: string) => {
  const file = join(folder, 'serverless.yml');
  const text = await readFile(file, 'utf8');
  const without = text
    .replace(/^ +- serverless-esbuild\n/m, '')
    .replace(/^ +individually: true$/m, '  patterns: ["!**", package.json]')
    .replace(/^ {2}esbuild:\n(?: {4}.*\n| *\n)*/m, '');
  await writeFile(file, without);
};

/** @param template the parameters of a package of which only the template is wanted */
export const packageService = async (template?: Record<string, string>): Promise<Package> => {
  const folder = await mkdtemp(join(tmpdir(), 'pumphouse-package-'));
  for (const source of SOURCES) {
    await cp(join(ROOT, source), join(folder, source), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  if (template) await leaveBundles(folder);
  const params = Object.entries(template ?? {}).map(([name, value]) => `--param=${name}=${value}`);
  const serverless = join(ROOT, 'node_modules/.bin/serverless');
  const { PATH = '', HOME = '' } = process.env;
  await promisify(execFile)(process.execPath, [serverless, 'package', ...params], {
    cwd: folder,
    env: { PATH, HOME, SLS_NOTIFICATIONS_MODE: 'off', SLS_INTERACTIVE_SETUP_ENABLE: '0' },
  });
  const out = join(folder, '.serverless');
  const written = await readFile(join(out, 'cloudformation-template-update-stack.json'), 'utf8');
  return {
    template: JSON.parse(written),
    zip: (name) => readFile(join(out, `${name}.zip`)),
    remove: () => rm(folder, { recursive: true }),
  };
};
