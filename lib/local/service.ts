/** The whole service in one process: what `npm start` runs, and what tests start. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openClouds, type StartedClouds } from './clouds.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type Database, openDatabase } from './database.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { startEventBridgeScheduler } from './event-bridge-scheduler.ts';
import { FunctionFailure, Functions } from './functions.ts';
import { type Gateway, startGateway } from './gateway.ts';
import type { StartOptions } from './options.ts';
import { StartRefused } from './refusal.ts';
import { installStreaming } from './response-stream.ts';
import { type Scheduler, startScheduler } from './scheduler.ts';
import { resolveServiceFile } from './service-file.ts';
import { type ServiceModel, serviceModel } from './service-model.ts';
import { type StepFunctions, startStepFunctions } from './step-functions.ts';

const PROJECT = join(import.meta.dirname, '../..');

/** Milliseconds that a stop waits for what is running; all of it may be killed. */
const PATIENCE = 3000;

/** Those of a start, all with defaults but the data folder; the port is a free one. */
export interface ServiceOptions extends Partial<StartOptions> {
  data: string;
  /** Factor on waits of the state machines; 1 as written. */
  waitScale?: number;
  /** Told what an operator should see. */
  report?: (line: string) => void;
  /** Variables for the handlers that win over all others. */
  environment?: Environment;
  /** The folder of `serverless.yml`. */
  root?: string;
}

export interface Service {
  /** Of the API. */
  url: string;
  port: number;
  /** The database's endpoint, and its table. */
  databaseUrl: string;
  tableName: string;
  stepFunctionsUrl: string;
  clouds: StartedClouds;
  /** Path of the `clouds.yaml`. */
  cloudsFile: string;
  data: string;
  /** The environment that the handlers read. */
  env: Environment;
  /** Settles when every scheduled function has run once, so that the clouds have been listed. */
  listed: Promise<unknown>;
  /** Names of the executions that go on from the last start. */
  resumed: string[];
  stop(): Promise<void>;
}

type Stop = () => Promise<void> | void;

/** Runs what ends a start, the newest first; one that fails does not keep the others. */
const stopper = () => {
  const stops: Stop[] = [];
  return {
    add: (stop: Stop): void => void stops.push(stop),
    async stop(): Promise<void> {
      for (let stop = stops.pop(); stop; stop = stops.pop())
        await Promise.resolve(stop()).catch(() => {});
    },
  };
};

const patiently = (work: Promise<unknown>): Promise<unknown> => {
  const gone = new Promise((resolve) => setTimeout(resolve, PATIENCE).unref());
  return Promise.race([work, gone]);
};

const describeFailure = (error: unknown): string => {
  const thrown = error instanceof FunctionFailure ? (error.thrown ?? error) : error;
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
};

const openGateway = async (port: number, report: (line: string) => void): Promise<Gateway> => {
  try {
    return await startGateway({
      port,
      report: (key, error) => report(`function ${key} failed: ${describeFailure(error)}`),
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartRefused(`port ${port} is in use; --port 0 finds one`);
    throw new StartRefused(`port ${port} cannot be used: ${message}`);
  }
};

interface Parts {
  options: ServiceOptions;
  folder: DataFolder;
  gateway: Gateway;
  model: ServiceModel;
  clouds: StartedClouds;
  database: Database;
}

/** What the run knows better than the service file: where things are on this machine. */
const ownEnvironment = ({ options, clouds, database }: Parts): Environment => ({
  AWS_ENDPOINT_URL_DYNAMODB: database.url,
  POWERTOOLS_LOG_LEVEL: process.env.POWERTOOLS_LOG_LEVEL ?? 'WARN',
  CLOUDS_FILE: clouds.file,
  CLOUDS_SECRET: undefined,
  SOURCE_CLOUD: clouds.source,
  DESTINATION_CLOUD: clouds.destination,
  SIMULATOR_URL: clouds.simulatorUrl,
  TICKET_KEY: randomBytes(32).toString('hex'),
  TICKET_SECRET: undefined,
  FINALIZE: options.finalize ?? 'auto',
  QUIESCE: options.quiesce ?? 'suspend',
  RESET_ENABLED: String(options.reset ?? false),
  RESET_PREFIX: options.resetPrefix,
  WORKLOAD: options.workload,
  PROVISIONER: options.provisioner ?? (clouds.simulatorUrl ? 'ironic' : ''),
  ...(options.relayRate === undefined ? {} : { RELAY_RATE: String(options.relayRate) }),
});

/** Handlers keep clients between invocations; those of an earlier start in this process must go. */
const forgetRuntime = async (): Promise<void> => {
  const { closeRuntime } = await import('../runtime.ts');
  closeRuntime();
};

const runParts = async (parts: Parts, stops: ReturnType<typeof stopper>) => {
  const { options, folder, gateway, model } = parts;
  const { report = () => {}, root = PROJECT, waitScale = 1 } = options;
  const names = model.names(gateway.functionUrl);
  const own = { ...model.environment(names), ...ownEnvironment(parts), ...options.environment };
  let functions: Functions | undefined;
  const stepFunctions: StepFunctions = await startStepFunctions({
    machines: model.machines(names),
    invoke: async (name, payload) => functions?.invoke(name, payload),
    recordsFile: folder.file('executions.sqlite'),
    waitScale,
  });
  stops.add(() => patiently(stepFunctions.stop()).then(() => {}));
  const schedules = await startEventBridgeScheduler({
    recordsFile: folder.file('schedules.sqlite'),
    groups: own.SCHEDULE_GROUP ? [own.SCHEDULE_GROUP] : [],
    invoke: async (arn, event) => functions?.invoke(arn, event),
    report,
  });
  stops.add(() => patiently(schedules.stop()).then(() => {}));
  const env = {
    ...own,
    AWS_ENDPOINT_URL_SFN: stepFunctions.url,
    AWS_ENDPOINT_URL_SCHEDULER: schedules.url,
  };
  stops.add(applyEnvironment(env));
  await forgetRuntime();
  installStreaming();
  functions = await Functions.load(root, model.functions);
  gateway.open({ functions, routes: model.routes, urls: model.urls });
  const resumed = stepFunctions.resume();
  schedules.begin();
  const scheduler: Scheduler = startScheduler({
    schedules: model.schedules,
    invoke: (key, event) => (functions as Functions).invoke(key, event),
    report: (key, error) => report(`function ${key} failed: ${describeFailure(error)}`),
  });
  stops.add(() => patiently(scheduler.stop()).then(() => {}));
  return { env, resumed, listed: scheduler.first, stepFunctionsUrl: stepFunctions.url };
};

const startParts = async (options: ServiceOptions, stops: ReturnType<typeof stopper>) => {
  const { report = () => {}, root = PROJECT, port = 0, simulator = {} } = options;
  const folder = openDataFolder(options.data);
  stops.add(folder.release);
  const resolved = resolveServiceFile(root);
  resolved.catch(() => {});
  const gateway = await openGateway(port, report);
  stops.add(gateway.stop);
  const clouds = await openClouds(folder, options.clouds, simulator, report);
  stops.add(clouds.stop);
  const model = serviceModel(await resolved);
  const database = await openDatabase({ path: folder.file('dynamodb'), table: model.table });
  stops.add(database.stop);
  const parts: Parts = { options, folder, gateway, model, clouds, database };
  return { ...parts, ...(await runParts(parts, stops)) };
};

/**
 * Starts everything and answers once requests are served; executions that were running go on.
 *
 * One at a time in a process: handlers read their settings from `process.env`.
 * @throws StartRefused with one line for the operator; Error when the project itself is wrong
 */
export const startService = async (options: ServiceOptions): Promise<Service> => {
  const stops = stopper();
  try {
    const parts = await startParts(options, stops);
    const { gateway, database, clouds, folder, env, resumed, listed, stepFunctionsUrl } = parts;
    return {
      url: gateway.url,
      port: gateway.port,
      databaseUrl: database.url,
      tableName: database.tableName,
      clouds,
      cloudsFile: clouds.file,
      data: folder.path,
      env,
      resumed,
      listed,
      stepFunctionsUrl,
      stop: stops.stop,
    };
  } catch (error) {
    await stops.stop();
    throw error;
  }
};
