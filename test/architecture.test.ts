/** The rules of the house that a machine can keep; what each folder owns stands in docs/architecture.md. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERROR_NAMES } from '../lib/domain/errors.ts';

const ROOT = join(import.meta.dirname, '..');

interface Import {
  /** A path below the root for what is ours, else the package or `node:` module. */
  target: string;
  /** `import type`, which is gone at run time. */
  typeOnly: boolean;
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s)?(?:[\w*{][^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;

const importsOf = (path: string, text: string): Import[] =>
  Array.from(text.matchAll(IMPORT), ([, type, named, dynamic]) => {
    const from = named ?? dynamic ?? '';
    const target = from.startsWith('.') ? normalize(join(dirname(path), from)) : from;
    return { target, typeOnly: type !== undefined };
  });

const FILES = ['functions', 'lib', 'stepfunctions', 'bench', 'test'].flatMap((folder) =>
  globSync(`${folder}/**/*.ts`, { cwd: ROOT })
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, imports: importsOf(path, text) };
    }),
);
const below = (...folders: string[]) =>
  FILES.filter(({ path }) => folders.some((folder) => path.startsWith(folder)));
const shipped = below('functions/', 'stepfunctions/', 'lib/').filter(
  ({ path }) => !/^lib\/(local|simulator)\//.test(path),
);

/** Where the real clock, the real dice and the usual places of a clouds.yaml are plugged in. */
const DEFAULTS = [
  ...['lib/runtime.ts', 'lib/table-runtime.ts'],
  ...['lib/openstack/cloud.ts', 'lib/openstack/clouds-yaml.ts'],
];

const nonBlank = (text: string) => text.split('\n').filter((line) => line.trim() !== '').length;

/** What may be imported from a folder, beside itself and Node; `type:` for its types alone. */
const MAY_IMPORT: Record<string, string[]> = {
  'lib/domain/': [],
  'lib/ports.ts': ['type:lib/domain/'],
  'lib/resources/': ['lib/domain/', 'type:lib/ports.ts'],
  'lib/provisioners/': ['lib/domain/', 'lib/resources/', 'type:lib/ports.ts'],
  'lib/openstack/': ['lib/domain/', 'type:lib/ports.ts', 'undici', 'yaml'],
  'lib/dynamodb/': [
    ...['lib/domain/', 'type:lib/ports.ts'],
    ...['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb'],
  ],
  'lib/http/': [
    ...['lib/domain/', 'type:lib/ports.ts', 'type:lib/config.ts', 'lib/log.ts'],
    ...['middy', 'type:aws-lambda'],
  ],
};

describe.each(Object.entries(MAY_IMPORT))('%s', (folder, allowed) => {
  test(`imports only ${[folder, ...allowed].join(', ')}`, () => {
    const files = below(folder);
    expect(files).not.toEqual([]);
    const may = ({ target, typeOnly }: Import) =>
      target.startsWith('node:') ||
      target.startsWith(folder) ||
      allowed.some((one) =>
        one.startsWith('type:')
          ? typeOnly && target.startsWith(one.slice(5))
          : target.startsWith(one),
      );
    const refused = files.flatMap(({ path, imports }) =>
      imports.filter((one) => !may(one)).map(({ target }) => `${path} imports ${target}`),
    );
    expect(refused).toEqual([]);
  });
});

test('no import escapes these rules by the way it is written', () => {
  for (const { path, text, imports } of FILES) {
    const written = text.match(/(?:\bfrom |^import |\bimport\()'[^']+'/gm) ?? [];
    expect(imports.length, path).toBe(written.length);
  }
});

describe('the arrows point inwards:', () => {
  const importers = (files: typeof FILES, wanted: (one: Import) => boolean) =>
    files.flatMap(({ path, imports }) =>
      imports.filter(wanted).map(({ target }) => `${path} imports ${target}`),
    );

  test('functions and tasks import the library alone, and not each other', () => {
    const foreign = ({ target }: Import) => !target.startsWith('lib/');
    expect(importers(below('functions/', 'stepfunctions/'), foreign)).toEqual([]);
  });

  test('nothing that is deployed knows of the embedded run or the simulator', () => {
    const local = ({ target }: Import) => /^lib\/(local|simulator)\//.test(target);
    expect(importers(shipped, local)).toEqual([]);
  });

  test('the simulator knows nothing of Pumphouse', () => {
    const foreign = ({ target }: Import) =>
      target.startsWith('lib/') && !target.startsWith('lib/simulator/');
    expect(importers(below('lib/simulator/'), foreign)).toEqual([]);
  });

  test('the composition root is used by functions, tasks and the embedded run alone', () => {
    const files = below('lib/').filter(
      ({ path }) => !/^lib\/(local\/|task\.ts|runtime\.ts)/.test(path),
    );
    const root = ({ target, typeOnly }: Import) =>
      /^lib\/(table-)?runtime\.ts$/.test(target) && !typeOnly;
    expect(importers(files, root)).toEqual([]);
  });

  test('nobody imports tests', () => {
    const files = FILES.filter(({ path }) => !path.startsWith('test/'));
    expect(importers(files, ({ target }) => target.startsWith('test/'))).toEqual([]);
  });
});

describe('a file', () => {
  const tooLong = (files: typeof FILES, most: number) =>
    files.flatMap(({ path, text }) =>
      nonBlank(text) > most ? [`${path} has ${nonBlank(text)} lines of at most ${most}`] : [],
    );

  test('of a handler or a task has at most 40 lines', () => {
    expect(tooLong(below('functions/', 'stepfunctions/'), 40)).toEqual([]);
  });

  test('of a resource type has at most 150 lines', () => {
    expect(tooLong(below('lib/resources/'), 150)).toEqual([]);
  });

  test('has at most 300 lines', () => {
    expect(tooLong(below('lib/', 'bench/'), 300)).toEqual([]);
  });

  test('is named in kebab case for what it holds, never for what is left over', () => {
    for (const { path } of FILES) {
      const name = basename(path, '.ts').replace(/\.(test|d|config)$/, '');
      expect(name, path).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(name, path).not.toMatch(/(^|-)(utils?|helpers?|common|misc|managers?)(-|$)/);
    }
  });

  test('that is deployed takes time and environment from the composition root', () => {
    const files = shipped.filter(({ path }) => !DEFAULTS.includes(path));
    const refused = files.flatMap(({ path, text }) => {
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const found = code.match(/\bprocess\.env\b|\bMath\.random\b|\bnew Date\(\)|\bDate\.now\(\)/g);
      return found ? [`${path}: ${found.join(', ')}`] : [];
    });
    expect(refused).toEqual([]);
  });

  test('has no path to a home or to this machine', () => {
    for (const { path, text } of shipped) expect(text, path).not.toMatch(/\/(root|home|work)\//);
  });
});

describe('the registry of resource types', () => {
  const registry = FILES.find(({ path }) => path === 'lib/resources/index.ts');
  const types = below('lib/resources/').flatMap(({ path, text }) =>
    Array.from(text.matchAll(/^export const (\w+): ResourceType</gm), ([, name = '']) => ({
      ...{ path, name },
    })),
  );

  test('has a line for each file that makes one', () => {
    expect(types.length).toBeGreaterThan(10);
    const [, list = ''] = /resourceTypes[^=]*= \[([^\]]*)\]/.exec(registry?.text ?? '') ?? [];
    const listed = list.split(',').flatMap((name) => name.trim() || []);
    expect(listed.sort()).toEqual(types.map(({ name }) => name).sort());
  });

  test('has one type a file', () => {
    const paths = types.map(({ path }) => path);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
  });
});

describe('the state machines', () => {
  test('match names of errors that somebody raises', () => {
    const known = [
      ...ERROR_NAMES,
      ...['States.ALL', 'States.Timeout', 'States.TaskFailed', 'Sandbox.Timedout'],
    ];
    for (const path of globSync('stepfunctions/*/definition.asl.json', { cwd: ROOT })) {
      const text = readFileSync(join(ROOT, path), 'utf8');
      for (const [, list = ''] of text.matchAll(/"ErrorEquals":\s*\[([^\]]*)\]/g)) {
        const names = JSON.parse(`[${list}]`).filter((name: string) => !name.startsWith('Lambda.'));
        expect(known, path).toEqual(expect.arrayContaining(names));
      }
    }
  });
});
