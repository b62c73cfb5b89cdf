/** What the embedded run takes from the resolved `serverless.yml`. */
import type { TableProperties } from './database.ts';
import { type FunctionSpec, functionArn } from './functions.ts';
import { type Names, resolveReference } from './references.ts';
import type { Route } from './routes.ts';
import type { States } from './state-language.ts';
import type { MachineSource } from './state-machine.ts';

export interface Scheduled {
  functionKey: string;
  /** `rate(1 minute)` or `cron(0 3 * * ? *)`. */
  expression: string;
  input?: unknown;
}

export interface ServiceModel {
  functions: FunctionSpec[];
  routes: Route[];
  /** Keys of the functions that have a URL. */
  urls: string[];
  schedules: Scheduled[];
  table: TableProperties;
  /** State machines and environment refer to URLs, which are known once the gateway listens. */
  machines(names: Names): MachineSource[];
  environment(names: Names): Record<string, string>;
  names(functionUrl: (key: string) => string): Names;
}

type Json = Record<string, unknown>;

interface FunctionEntry extends Json {
  name: string;
  handler: string;
  timeout?: number;
  memorySize?: number;
  url?: unknown;
  events?: Json[];
  environment?: Json;
}

interface Resource {
  Type: string;
  Properties: Json;
}

export interface ServiceFile {
  service: string;
  provider: Json & { stage: string; environment?: Json };
  functions: Record<string, FunctionEntry>;
  resources: { Resources: Record<string, Resource> };
}

/** https://www.serverless.com/framework/docs/providers/aws/guide/resources: logical names. */
const logicalName = (key: string): string => {
  const name = key.replaceAll('-', 'Dash').replaceAll('_', 'Underscore');
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`;
};

const toSpec = (file: ServiceFile, key: string, entry: FunctionEntry): FunctionSpec => ({
  key,
  name: entry.name,
  handler: entry.handler,
  timeout: Number(entry.timeout ?? file.provider.timeout ?? 6),
  memoryMiB: Number(entry.memorySize ?? file.provider.memorySize ?? 1024),
});

const toRoute = (key: string, given: unknown): Route => {
  if (given === '*') return { method: 'ANY', path: '$default', functionKey: key };
  const [method = 'ANY', path = ''] = typeof given === 'string' ? given.split(' ') : [];
  const route = typeof given === 'string' ? { method, path } : (given as Route);
  const named = route.method === '*' ? 'ANY' : route.method.toUpperCase();
  return { method: named, path: route.path, functionKey: key };
};

const toSchedules = (key: string, given: unknown): Scheduled[] => {
  if (typeof given === 'string') return [{ functionKey: key, expression: given }];
  const { rate, input, enabled = true } = given as Json;
  if (enabled === false) return [];
  const own = input === undefined ? {} : { input };
  return [rate].flat().map((one) => ({ functionKey: key, expression: String(one), ...own }));
};

const ofType = (file: ServiceFile, type: string): [string, Resource][] =>
  Object.entries(file.resources.Resources).filter(([, { Type }]) => Type === type);

const tableOf = (file: ServiceFile): [string, TableProperties] => {
  const [found, ...more] = ofType(file, 'AWS::DynamoDB::Table');
  if (!found || more.length > 0) throw new Error('serverless.yml must describe one table');
  const [logicalId, { Properties }] = found;
  const TableName = String(Properties.TableName ?? `${file.service}-${file.provider.stage}`);
  return [logicalId, { ...(Properties as unknown as TableProperties), TableName }];
};

const machineArn = (name: string): string =>
  `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;

/** Puts values in place of `${Token}` wherever a definition has them. */
const fill = (value: unknown, tokens: Names): unknown => {
  if (typeof value === 'string')
    return value.replace(/\$\{([A-Za-z0-9]+)\}/g, (_, token: string) => {
      const filled = tokens.get(token);
      if (filled === undefined) throw new Error(`nothing is substituted for \${${token}}`);
      return filled;
    });
  if (Array.isArray(value)) return value.map((one) => fill(one, tokens));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one, tokens)]));
};

const toMachine = (logicalId: string, { Properties }: Resource, names: Names): MachineSource => {
  const name = String(Properties.StateMachineName ?? logicalId);
  if (!Properties.Definition) throw new Error(`state machine ${name} has no Definition`);
  const given = Object.entries((Properties.DefinitionSubstitutions ?? {}) as Json);
  const tokens = new Map(given.map(([token, value]) => [token, resolveReference(names, value)]));
  const definition = fill(Properties.Definition, tokens) as States;
  return { name, arn: machineArn(name), definition };
};

/** The environment of all functions: they run in one process, so two values of a name cannot be. */
const toEnvironment = (file: ServiceFile, names: Names): Record<string, string> => {
  const own = Object.values(file.functions).map(({ environment }) => environment ?? {});
  const environment: Record<string, string> = {};
  for (const variables of [file.provider.environment ?? {}, ...own])
    for (const [name, value] of Object.entries(variables)) {
      const text = resolveReference(names, value);
      if ((environment[name] ?? text) !== text)
        throw new Error(`two functions have different values of ${name} in their environment`);
      environment[name] = text;
    }
  return environment;
};

const toNames = (file: ServiceFile, functionUrl: (key: string) => string): Names => {
  const names = new Map<string, string>();
  for (const [id, { Properties = {} }] of Object.entries(file.resources.Resources)) {
    names.set(id, `arn:aws:local:us-east-1:000000000000:${id}`);
    names.set(`${id}.Arn`, `arn:aws:local:us-east-1:000000000000:${id}`);
    if (Properties.StateMachineName)
      for (const name of [id, `${id}.Arn`])
        names.set(name, machineArn(String(Properties.StateMachineName)));
  }
  const [tableId, { TableName }] = tableOf(file);
  names.set(tableId, TableName);
  for (const [key, entry] of Object.entries(file.functions)) {
    names.set(logicalName(key), entry.name);
    names.set(`${logicalName(key)}.Arn`, functionArn(key));
    if (entry.url) names.set(`${logicalName(key)}Url.FunctionUrl`, functionUrl(key));
  }
  return names;
};

/** Reads the model out of the resolved file. */
export const serviceModel = (resolved: unknown): ServiceModel => {
  const file = resolved as ServiceFile;
  const entries = Object.entries(file.functions);
  const events = (kind: string) =>
    entries.flatMap(([key, { events: all = [] }]) =>
      all.filter((event) => event[kind]).map((event): [string, unknown] => [key, event[kind]]),
    );
  return {
    functions: entries.map(([key, entry]) => toSpec(file, key, entry)),
    routes: events('httpApi').map(([key, given]) => toRoute(key, given)),
    urls: entries.filter(([, { url }]) => url).map(([key]) => key),
    schedules: events('schedule').flatMap(([key, given]) => toSchedules(key, given)),
    table: tableOf(file)[1],
    machines: (names) =>
      ofType(file, 'AWS::StepFunctions::StateMachine').map(([id, resource]) =>
        toMachine(id, resource, names),
      ),
    environment: (names) => toEnvironment(file, names),
    names: (functionUrl) => toNames(file, functionUrl),
  };
};
