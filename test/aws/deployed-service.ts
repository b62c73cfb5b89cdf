/** The deployed service as an AWS engineer has it in hand: stack, API, functions, executions, table. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import {
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  ResourceNotFoundException,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  type ExecutionListItem,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import {
  DynamoDBDocumentClient,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { SignatureV4 } from '@smithy/signature-v4';
import { request } from 'undici';

/** Milliseconds between two looks at something that takes its time. */
export const LOOK = 500;
export const pause = (milliseconds = LOOK) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const variable = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this by npm run test:aws`);
  return value;
};

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** What the signer takes for SHA-256; Node has it. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === 'string' ? secret : secret && Buffer.from(secret as ArrayBuffer);
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

const signer = new SignatureV4({
  service: 'execute-api',
  region: variable('AWS_REGION'),
  sha256: Sha256,
  credentials: {
    accessKeyId: variable('AWS_ACCESS_KEY_ID'),
    secretAccessKey: variable('AWS_SECRET_ACCESS_KEY'),
  },
});

/** Sends to the emulator what is meant for a host of AWS. */
const send = async (
  url: URL,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<HttpAnswer> => {
  const target = new URL(`${url.pathname}${url.search}`, variable('AWS_ENDPOINT_URL'));
  const answer = await request(target, {
    method: method as 'GET',
    headers: { ...headers, host: url.host },
    ...(body !== undefined && { body }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text };
};

const stackOutputs = async (): Promise<Record<string, string>> => {
  const StackName = variable('STACK');
  const { Stacks } = await new CloudFormationClient().send(
    new DescribeStacksCommand({ StackName }),
  );
  const outputs = Stacks?.[0]?.Outputs ?? [];
  return Object.fromEntries(
    outputs.map(({ OutputKey, OutputValue }) => [String(OutputKey), String(OutputValue)]),
  );
};

export type DeployedService = Awaited<ReturnType<typeof deployedService>>;

export const deployedService = async () => {
  const stack = variable('STACK');
  const outputs = await stackOutputs();
  const { TableName = '', CloudsSecretArn = '', HttpApiId = '' } = outputs;
  const lambda = new LambdaClient();
  const executions = new SFNClient();
  const table = DynamoDBDocumentClient.from(new DynamoDBClient());
  const arn = (resource: string) =>
    `arn:aws:states:${variable('AWS_REGION')}:000000000000:${resource}`;

  const call = async (
    method: string,
    path: string,
    {
      sign = true,
      headers = {} as Record<string, string>,
      json,
    }: { sign?: boolean; headers?: Record<string, string>; json?: object } = {},
  ): Promise<HttpAnswer> => {
    const url = new URL(path, `https://${HttpApiId}.execute-api.localhost`);
    const body = json && JSON.stringify(json);
    const type = json && { 'content-type': 'application/json' };
    const unsigned = { ...type, ...headers, host: url.host };
    if (!sign) return send(url, method, unsigned, body);
    const signed = await signer.sign({
      ...{ method, protocol: 'https:', hostname: url.host, path: url.pathname },
      ...{ query: Object.fromEntries(url.searchParams), headers: unsigned },
      ...(body !== undefined && { body }),
    });
    return send(url, method, signed.headers, body);
  };

  const describe = (machine: string, name: string) =>
    executions.send(
      new DescribeExecutionCommand({
        executionArn: arn(`execution:${stack}-${machine}:${name}`),
      }),
    );

  return {
    outputs,
    /** A request to the API as who deployed it; or unsigned. */
    call,
    async resources() {
      const { status, text } = await call('GET', '/resources');
      if (status !== 200) throw new Error(`/resources answers ${status}: ${text}`);
      return JSON.parse(text);
    },
    /** Fetches from the streaming function's own URL. */
    fromFeed: (location: string, headers: Record<string, string> = {}) =>
      send(new URL(location), 'GET', headers),
    async putClouds(yaml: string) {
      await new SecretsManagerClient().send(
        new PutSecretValueCommand({ SecretId: CloudsSecretArn, SecretString: yaml }),
      );
    },
    /** @param event JSON text */
    async invoke(name: string, event?: string) {
      const request = { FunctionName: `${stack}-${name}`, ...(event && { Payload: event }) };
      const { FunctionError, Payload } = await lambda.send(new InvokeCommand(request));
      if (FunctionError) throw new Error(`${name}: ${Buffer.from(Payload ?? []).toString()}`);
    },
    async environment(name: string): Promise<Record<string, string>> {
      const FunctionName = `${stack}-${name}`;
      const { Environment } = await lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName }),
      );
      return Environment?.Variables ?? {};
    },
    /** How many of a function may run at once; none of it with 0. */
    async allowAtOnce(name: string, ReservedConcurrentExecutions: number) {
      const request = { FunctionName: `${stack}-${name}`, ReservedConcurrentExecutions };
      await lambda.send(new PutFunctionConcurrencyCommand(request));
    },
    /** A schedule as EventBridge Scheduler has it. */
    async schedule(Name: string): Promise<GetScheduleCommandOutput | undefined> {
      try {
        const GroupName = `${stack}-evacuations`;
        return await new SchedulerClient().send(new GetScheduleCommand({ Name, GroupName }));
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
    functionArn: (name: string) =>
      `arn:aws:lambda:${variable('AWS_REGION')}:000000000000:function:${stack}-${name}`,
    /** How an execution ended. */
    async ended(machine: string, name: string) {
      for (;;) {
        const execution = await describe(machine, name);
        if (execution.status !== 'RUNNING') return execution;
        await pause();
      }
    },
    /** The errors of an execution's tasks that were tried again or caught. */
    async failuresOf(machine: string, name: string) {
      const executionArn = arn(`execution:${stack}-${machine}:${name}`);
      const { events } = await executions.send(
        new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }),
      );
      return (events ?? []).flatMap(({ taskFailedEventDetails }) =>
        taskFailedEventDetails ? [taskFailedEventDetails.error] : [],
      );
    },
    executionArn: (machine: string, name: string) => arn(`execution:${stack}-${machine}:${name}`),
    executions,
    async listExecutions(machine: string): Promise<ExecutionListItem[]> {
      const stateMachineArn = arn(`stateMachine:${stack}-${machine}`);
      const { executions: listed } = await executions.send(
        new ListExecutionsCommand({ stateMachineArn, maxResults: 1000 }),
      );
      return listed ?? [];
    },
    /** Every item that a query finds, as a console reads them. */
    async query(input: Omit<QueryCommandInput, 'TableName'>) {
      const items: Record<string, unknown>[] = [];
      for await (const page of paginateQuery({ client: table }, { TableName, ...input })) {
        items.push(...(page.Items ?? []));
      }
      return items;
    },
  };
};
