/**
 * What a handler asks of the world outside, read from its code: it is bundled as for deployment, with
 * the composition root left out, so that what remains are the calls of ports that it can reach.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from './package.ts';

/** The grants of serverless.yml (`custom.grants`) that each method of a port takes. */
const METHODS: Record<string, Record<string, string[]>> = {
  events: {
    read: ['query'],
    append: ['query', 'putItem'],
    tail: ['query'],
    since: ['queryIndex'],
  },
  world: {
    apply: ['getItem', 'putItem'],
    read: ['query'],
    get: ['getItem'],
    list: ['query'],
    remembered: ['query'],
    observe: ['putItem'],
    miss: ['putItem', 'updateItem'],
    putCloud: ['putItem'],
  },
  operations: {
    begin: ['getItem', 'putItem', 'deleteItem'],
    get: ['getItem'],
    running: ['query'],
    list: ['queryIndex'],
    cancel: ['getItem', 'updateItem'],
    pause: ['getItem', 'updateItem'],
    proceed: ['getItem', 'updateItem'],
    end: ['putItem', 'deleteItem'],
    lock: ['getItem', 'putItem', 'query'],
    unlock: ['deleteItem'],
  },
  plans: {
    put: ['batchWriteItem'],
    list: ['query'],
    get: ['getItem'],
    intend: ['getItem', 'query', 'updateItem'],
    update: ['updateItem'],
    made: ['getItem'],
    remember: ['putItem'],
  },
  timetable: {
    add: ['getItem', 'putItem'],
    get: ['getItem'],
    list: ['query'],
    arm: ['updateItem'],
    postpone: ['updateItem'],
    serve: ['updateItem'],
    remove: ['deleteItem'],
  },
  workflows: { start: ['startMachine'], status: ['describeExecution'] },
  schedules: { put: ['makeSchedule'], remove: ['deleteSchedule'] },
};

const OPENED: Record<string, string[]> = {
  clouds: ['readClouds'],
  cloudConfigs: ['readClouds'],
  provisioning: ['readClouds'],
  ticketKey: ['readTicketKey'],
};

const ports = Object.keys(METHODS).join('|');
const CALL = new RegExp(`\\b(${ports})\\d*\\??\\s*\\.\\s*(\\w+)\\(`, 'g');
const OPEN = new RegExp(`\\b(${Object.keys(OPENED).join('|')})\\d*\\(`, 'g');

/** The ports' methods that a bundle calls; `schedules.map` is a list's own affair. */
const called = (text: string) => [
  ...Array.from(text.matchAll(CALL), ([, port = '', method = '']) => METHODS[port]?.[method] ?? []),
  ...Array.from(text.matchAll(OPEN), ([, name = '']) => OPENED[name] ?? []),
];

/** @param handler as serverless.yml has it: `functions/get-events.handler` */
export const grantsUsedBy = async (handler: string): Promise<string[]> => {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, handler.replace(/\.handler$/, '.ts'))],
    ...{ bundle: true, write: false, platform: 'node', format: 'esm', logLevel: 'error' },
    packages: 'external',
    external: ['*/runtime.ts', '*/table-runtime.ts'],
  });
  const text = outputFiles[0]?.text ?? '';
  return [...new Set(called(text).flat())].sort();
};

/** Bytes of each handler's bundle, zipped, when the SDK is left to the runtime. */
export const sizesWithoutSdk = async (handlers: readonly string[]): Promise<number[]> => {
  const { outputFiles } = await build({
    entryPoints: handlers.map((one) => join(ROOT, one.replace(/\.handler$/, '.ts'))),
    ...{ bundle: true, minify: true, write: false, outdir: 'out', logLevel: 'error' },
    ...{ platform: 'node', target: 'node24', format: 'cjs', legalComments: 'none' },
    ...{ mainFields: ['module', 'main'], conditions: ['module', 'import'] },
    external: ['@aws-sdk/*', '@smithy/*'],
  });
  return outputFiles.map(({ contents }) => gzipSync(contents).length);
};
