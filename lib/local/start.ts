/** `npm start`: brings the service up, says where everything is, and runs until it is stopped. */
import { enableCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { HELP, readOptions, type StartOptions } from './options.ts';
import { StartRefused } from './refusal.ts';
import type { Service } from './service.ts';

enableCompileCache();

/** Milliseconds until the service is called ready all the same: a large cloud takes its time to list. */
const PATIENCE = 120_000;

interface World {
  source?: { tenants?: { id: string }[]; resources?: { type: string; tenant_id?: string }[] };
}

const print = (line = ''): void => void process.stdout.write(`${line}\n`);

const readWorld = async (url: string): Promise<World | undefined> => {
  const response = await fetch(`${url}/resources`);
  return response.ok ? ((await response.json()) as World) : undefined;
};

/** Waits until the clouds have been listed, and shows what the API makes of them. */
const untilListed = async ({ url, listed }: Service): Promise<World | undefined> => {
  await Promise.race([listed, sleep(PATIENCE, undefined, { ref: false })]);
  return readWorld(url);
};

/** The tenant with most servers, whose migration shows most. */
const largestTenant = (world: World | undefined): string | undefined => {
  const { tenants = [], resources = [] } = world?.source ?? {};
  const servers = Map.groupBy(
    resources.filter(({ type }) => type === 'server'),
    ({ tenant_id }) => tenant_id,
  );
  const count = ({ id }: { id: string }) => servers.get(id)?.length ?? 0;
  return tenants.toSorted((a, b) => count(b) - count(a))[0]?.id;
};

const describeClouds = ({ clouds, data }: Service, options: StartOptions): string[] => {
  const { source, destination } = clouds.authUrls;
  const kind = options.clouds ? 'cloud' : 'simulated cloud';
  const lines = [`source       ${source} (${kind} ${clouds.source})`];
  if (destination) lines.push(`destination  ${destination} (${kind} ${clouds.destination})`);
  else lines.push('destination  none: everything can be looked at, nothing migrated');
  if (!options.clouds)
    lines.push(
      `             OS_CLIENT_CONFIG_FILE=${clouds.file} openstack --os-cloud source server list`,
    );
  return [...lines, `data         ${data}`];
};

const describeFinalize = (options: StartOptions): string[] => {
  if (!options.clouds) return [];
  const how =
    options.finalize === 'auto'
      ? 'on (--finalize auto): a server is deleted on the source once its copy is proven'
      : 'off (--finalize manual): servers stay on the source until they are finalized';
  return [`Deleting on the source after proof is ${how}.`];
};

const describe = (service: Service, options: StartOptions): string[] => [
  `API          ${service.url}/resources`,
  `feed         ${service.url}/events`,
  `database     ${service.databaseUrl} (DynamoDB, table ${service.tableName})`,
  ...describeClouds(service, options),
  ...service.resumed.map((name) => `goes on      operation ${name}`),
  ...describeFinalize(options),
];

const tries = ({ url }: Service, tenant: string | undefined): string[] => [
  'Try:',
  `  curl ${url}/resources`,
  `  curl -X POST ${url}/tenants/${tenant ?? '{tenant_id}'}`,
  `  curl -N ${url}/events`,
];

/** Resolves with the first signal that ends the service. */
const untilSignal = (): Promise<unknown> =>
  Promise.race(
    ['SIGINT', 'SIGTERM', 'SIGHUP'].map(
      (name) => new Promise((resolve) => process.once(name, resolve)),
    ),
  );

const run = async (options: StartOptions): Promise<void> => {
  const ended = untilSignal();
  // Loaded only now: a wrong option is told at once.
  const { startService } = await import('./service.ts');
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const starting = startService({ ...options, report });
  const service = await Promise.race([starting, ended.then(() => undefined)]);
  if (!service) return (await starting).stop();
  for (const line of describe(service, options)) print(line);
  const world = await Promise.race([untilListed(service), ended.then(() => undefined)]);
  for (const line of tries(service, largestTenant(world))) print(line);
  print(`ready ${service.url}`);
  await ended;
  print('stopping');
  await service.stop();
};

/** A promise that nobody waits for is a bug of a handler, and no reason to end the others. */
process.on('unhandledRejection', (reason) => {
  process.stderr.write(`unhandled: ${reason instanceof Error ? reason.stack : reason}\n`);
});

const main = async (): Promise<number> => {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === 'help') process.stdout.write(HELP);
    else await run(options);
    return 0;
  } catch (error) {
    const { message, stack } = error as Error;
    process.stderr.write(`${error instanceof StartRefused ? message : stack}\n`);
    return 1;
  }
};

process.exit(await main());
