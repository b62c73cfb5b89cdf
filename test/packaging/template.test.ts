import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unzip } from '../../bench/zip.ts';
import { readConfig } from '../../lib/config.ts';
import { grantsUsedBy, sizesWithoutSdk } from './grants.ts';
import { type Package, packageService, type Resource } from './package.ts';
import * as template from './template.ts';

let packaged: Package;
let resources: Record<string, Resource>;

const ofType = (type: string) => template.ofType(resources, type);
const functions = () => template.functionsOf(resources);
const roleOf = (id: string) => template.roleOf(resources, id);
const { references, statements } = template;

const dependencies = ({ Properties, DependsOn = [] }: Resource) =>
  [...references(Properties), ...[DependsOn].flat()].filter((id) => id in resources);

beforeAll(async () => {
  packaged = await packageService();
  resources = packaged.template.Resources;
}, 900_000);

afterAll(() => packaged.remove());

describe('what is open', () => {
  test('is no route of the API: each needs AWS IAM', () => {
    const routes = ofType('ApiGatewayV2::Route').map(([, { Properties }]) => [
      ...[Properties.RouteKey, Properties.AuthorizationType],
    ]);
    expect(routes.sort()).toEqual([
      ['DELETE /hosts/{host_id}', 'AWS_IAM'],
      ['DELETE /schedules/{schedule_id}', 'AWS_IAM'],
      ['GET /events', 'AWS_IAM'],
      ['GET /events/{event_id}', 'AWS_IAM'],
      ['GET /hosts/{host_id}/plan', 'AWS_IAM'],
      ['GET /migrations', 'AWS_IAM'],
      ['GET /migrations/{migration_id}', 'AWS_IAM'],
      ['GET /resources', 'AWS_IAM'],
      ['GET /schedules', 'AWS_IAM'],
      ['GET /schedules/{schedule_id}', 'AWS_IAM'],
      ['POST /hosts/{host_id}', 'AWS_IAM'],
      ['POST /hosts/{host_id}/confirm', 'AWS_IAM'],
      ['POST /migrations/{migration_id}/cancel', 'AWS_IAM'],
      ['POST /reset', 'AWS_IAM'],
      ['POST /tenants/{tenant_id}', 'AWS_IAM'],
    ]);
  });

  test('is the URL of the feed alone, which streams and serves nobody without a ticket', () => {
    const urls = ofType('Lambda::Url').map(([, { Properties }]) => Properties);
    expect(urls).toEqual([
      {
        ...{ AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' },
        TargetFunctionArn: { 'Fn::GetAtt': ['StreamEventsLambdaFunction', 'Arn'] },
      },
    ]);
  });

  test('lets nobody invoke a function but API Gateway, the scheduler, and readers of the feed', () => {
    const permissions = ofType('Lambda::Permission').map(([, { Properties }]) => Properties);
    const open = permissions.filter(({ Principal }) => Principal === '*');
    for (const permission of open) {
      expect(references(permission.FunctionName)).toEqual(['StreamEventsLambdaFunction']);
      expect(permission.FunctionUrlAuthType ?? permission.InvokedViaFunctionUrl).toBeTruthy();
    }
    const others = permissions.filter(({ Principal }) => Principal !== '*');
    expect(new Set(others.map(({ Principal }) => Principal))).toEqual(
      new Set(['apigateway.amazonaws.com', 'events.amazonaws.com']),
    );
    for (const permission of others) expect(permission).toHaveProperty('SourceArn');
  });

  test('is throttled', () => {
    const [[, stage] = []] = ofType('ApiGatewayV2::Stage');
    const settings = stage?.Properties.DefaultRouteSettings;
    expect(Number(settings.ThrottlingRateLimit)).toBeGreaterThan(0);
    expect(Number(settings.ThrottlingBurstLimit)).toBeGreaterThan(0);
  });
});

describe('a role', () => {
  /** Whose name comes later, when an operation begins or a schedule is made: those of one machine or group. */
  const NAMED_LATER =
    /:(execution:pumphouse-dev-[a-z-]+:|schedule\/pumphouse-dev-evacuations\/)\*"\}$/;

  test('has no wildcard for an action, nor for a resource that has a name', () => {
    const wild = ofType('IAM::Role').flatMap(([id, role]) =>
      statements(role).flatMap(({ Effect, Action, Resource }) => {
        expect(Effect, id).toBe('Allow');
        const actions = [Action].flat().filter((one) => !/^[a-z]+:[A-Za-z]+$/.test(one));
        const things = [Resource]
          .flat()
          .map((one) => JSON.stringify(one))
          .filter((one) => one.includes('*') && !NAMED_LATER.test(one));
        return [...actions, ...things].map((one) => `${id}: ${one}`);
      }),
    );
    expect(wild).toEqual([]);
  });

  test('of a function is its own, and lets it write its own log', () => {
    const roles = functions().map(({ id }) => template.roleIdOf(resources, id));
    expect(new Set(roles).size).toBe(roles.length);
    for (const { id, name } of functions()) {
      const logs = statements(roleOf(id)).filter(({ Action }) =>
        [Action].flat()[0]?.startsWith('logs:'),
      );
      const group = `${name.charAt(0).toUpperCase()}${name.slice(1)}LogGroup`;
      expect(resources, name).toHaveProperty(group);
      expect(logs, name).toEqual([
        {
          ...{ Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] },
          Resource: { 'Fn::GetAtt': [group, 'Arn'] },
        },
      ]);
    }
  });

  test('of a function grants what its code calls, and nothing else', async () => {
    for (const { id, name, properties } of functions()) {
      expect(template.grantsOf(roleOf(id)), name).toEqual(await grantsUsedBy(properties.Handler));
    }
  });

  test('of a function starts the machine of its own kind of operation alone', () => {
    const started = functions().flatMap(({ id, name }) => {
      const text = JSON.stringify(
        statements(roleOf(id)).filter(({ Action }) =>
          [Action].flat().includes('states:StartExecution'),
        ),
      );
      const machines = Array.from(text.matchAll(/stateMachine:pumphouse-dev-([\w-]+)/g));
      return machines.map(([, machine]) => [name, machine]);
    });
    const starting = (name: string) =>
      started.filter(([one]) => one === name).map(([, machine]) => machine);
    const all = ['migrate-tenant', 'evacuate-host', 'reassign-host', 'reset-clouds'];
    expect(started.length).toBe(6 + all.length);
    expect(starting('migrateTenant')).toEqual(['migrate-tenant']);
    expect(starting('evacuateHost')).toEqual(['evacuate-host']);
    expect(starting('startScheduledEvacuation')).toEqual(['evacuate-host']);
    expect(starting('reassignHost')).toEqual(['reassign-host']);
    expect(starting('confirmHost')).toEqual(['reassign-host']);
    expect(starting('resetClouds')).toEqual(['reset-clouds']);
    expect(starting('sweepOperations')).toEqual(all);
  });

  test('of a machine may invoke just the functions of its definition', () => {
    for (const [id, { Properties }] of ofType('StepFunctions::StateMachine')) {
      const role = resources[Properties.RoleArn['Fn::GetAtt'][0]];
      const invoked = (role ? statements(role) : []).filter(
        ({ Action }) => Action === 'lambda:InvokeFunction',
      );
      const substituted = references(Properties.DefinitionSubstitutions).filter((one) =>
        one.endsWith('LambdaFunction'),
      );
      expect(references(invoked).sort(), id).toEqual(substituted.sort());
    }
  });

  test('of a machine does beside that what starting the children of its definition takes', () => {
    for (const [id, { Properties }] of ofType('StepFunctions::StateMachine')) {
      const role = resources[Properties.RoleArn['Fn::GetAtt'][0]];
      const rest = (role ? statements(role) : []).filter(
        ({ Action }) => Action !== 'lambda:InvokeFunction',
      );
      const children = references(Properties.DefinitionSubstitutions).filter((one) =>
        one.endsWith('Machine'),
      );
      expect(references(rest.filter(({ Action }) => Action === 'states:StartExecution'))).toEqual(
        children,
      );
      const actions = [
        ...['states:StartExecution', 'states:DescribeExecution', 'states:StopExecution'],
        ...['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
      ];
      expect(
        rest.flatMap(({ Action }) => Action),
        id,
      ).toEqual(children.length > 0 ? actions : []);
    }
  });
});

describe('a schedule', () => {
  test('may call one function, and only for schedules of the group', () => {
    const [[group] = []] = ofType('Scheduler::ScheduleGroup');
    const role = resources.ScheduleRole;
    expect(role && statements(role)).toEqual([
      {
        ...{ Effect: 'Allow', Action: 'lambda:InvokeFunction' },
        Resource: { 'Fn::GetAtt': ['StartScheduledEvacuationLambdaFunction', 'Arn'] },
      },
    ]);
    const [trust] = role?.Properties.AssumeRolePolicyDocument.Statement ?? [];
    expect(trust.Principal).toEqual({ Service: 'scheduler.amazonaws.com' });
    expect(trust.Condition.StringEquals).toEqual({
      'aws:SourceAccount': { Ref: 'AWS::AccountId' },
      'aws:SourceArn': { 'Fn::GetAtt': [group, 'Arn'] },
    });
  });

  test('is made by who may pass its role, to the scheduler and to nobody else', () => {
    const passing = ofType('IAM::Role').flatMap(([id, role]) =>
      statements(role)
        .filter(({ Action }) => [Action].flat().includes('iam:PassRole'))
        .map((statement) => ({ id, ...statement })),
    );
    expect(passing.map(({ id }) => id).sort()).toEqual([
      ...['EvacuateHostFunctionRole', 'SweepOperationsFunctionRole'],
    ]);
    for (const { Resource, ...statement } of passing) {
      expect(references(Resource)).toEqual(['ScheduleRole']);
      expect(statement).toMatchObject({
        Condition: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
      });
    }
  });
});

describe('a function', () => {
  test('runs on the runtime and architecture of the project', () => {
    for (const { name, properties } of functions()) {
      expect(properties, name).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
    }
  });

  test('has an environment that the configuration accepts, without a secret in it', () => {
    for (const { name, environment } of functions()) {
      const filled = Object.entries(environment).map(([key, value]) => [
        ...[key, typeof value === 'object' ? 'arn:somewhere' : String(value)],
      ]);
      expect(() => readConfig(Object.fromEntries(filled)), name).not.toThrow();
      expect(environment).not.toHaveProperty('TICKET_KEY');
      expect(environment).not.toHaveProperty('CLOUDS_FILE');
    }
  });

  test('that sends readers to the feed knows where it is', () => {
    for (const { name, environment } of functions()) {
      if (name !== 'getEvents' && name !== 'getResources') continue;
      expect(references(environment.FEED_URL)).toEqual(['StreamEventsLambdaFunctionUrl']);
    }
  });

  test('has the time that its work takes', () => {
    for (const { name, properties, environment } of functions()) {
      const { Timeout } = properties;
      expect(Timeout, name).toBeGreaterThan(Number(environment.WATCH_SECONDS));
      if (/^copy/.test(name))
        expect(Timeout, name).toBeGreaterThan(Number(environment.RELAY_SECONDS));
      if (name === 'streamEvents')
        expect(Timeout).toBeGreaterThan(Number(environment.FEED_SECONDS));
    }
    const behindApi = ofType('ApiGatewayV2::Integration').flatMap(([, one]) => dependencies(one));
    for (const id of behindApi.filter((one) => one.endsWith('LambdaFunction'))) {
      expect(resources[id]?.Properties.Timeout, id).toBeLessThan(30);
    }
  });

  test('is one small file that loads and exports its handler', async () => {
    Object.assign(globalThis, { awslambda: { streamifyResponse: (handler: unknown) => handler } });
    const folder = await mkdtemp(join(tmpdir(), 'pumphouse-zip-'));
    const require = createRequire(import.meta.url);
    for (const { name, properties } of functions()) {
      const zip = await packaged.zip(name);
      expect(zip.length, name).toBeLessThan(600_000);
      const [path, exported] = properties.Handler.split('.');
      const files = unzip(zip);
      expect([...files.keys()], name).toEqual([`${path}.js`]);
      const file = join(folder, `${name}.cjs`);
      await writeFile(file, files.get(`${path}.js`) ?? '');
      expect(typeof require(file)[exported], name).toBe('function');
    }
    await rm(folder, { recursive: true });
  });

  test('of queries and of the feed bears no HTTP client, and so has nothing to call a cloud with', async () => {
    const bears = async (name: string) => {
      const [[, code] = []] = unzip(await packaged.zip(name));
      return code?.includes('UND_ERR_') === true;
    };
    const queries = [
      ...['streamEvents', 'getEvents', 'getResources', 'getMigration', 'listMigrations'],
      ...['listSchedules', 'getSchedule', 'cancelMigration'],
    ];
    for (const name of queries) expect(await bears(name), name).toBe(false);
    expect(await bears('migrateTenant')).toBe(true);
  });

  test('has less than 300 KB of its own, zipped, beside the SDK', async () => {
    const sizes = await sizesWithoutSdk(functions().map(({ properties }) => properties.Handler));
    expect(sizes).toHaveLength(functions().length);
    expect(Math.max(...sizes)).toBeLessThan(300_000);
  });

  test('that calls clouds runs a few times at once, and all of them fit into an account', () => {
    const reserved = functions().map(({ id, name, properties }) => {
      const most = properties.ReservedConcurrentExecutions;
      const callsClouds = template.grantsOf(roleOf(id)).includes('readClouds');
      if (callsClouds) expect(most, name).toBeLessThanOrEqual(10);
      else expect(most, name).toBeUndefined();
      return most ?? 0;
    });
    // Of the 1,000 that an account has AWS keeps 100 for functions without a reservation.
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    expect(reserved.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(900);
    for (const name of ['synchroniseWorld', 'sweepOperations']) {
      const one = functions().find((found) => found.name === name);
      expect(one?.properties.ReservedConcurrentExecutions).toBe(1);
    }
  });

  test('is in no VPC unless it is asked for', () => {
    for (const { name, properties } of functions()) {
      expect(properties, name).not.toHaveProperty('VpcConfig');
    }
  });

  test('bears nothing of the embedded run or the simulator', async () => {
    for (const { name } of functions()) {
      const [[, code] = []] = unzip(await packaged.zip(name));
      for (const word of ['dynalite', 'aws-local-stepfunctions', 'classic-level', 'leveldb']) {
        expect(code?.includes(word), `${name}: ${word}`).toBe(false);
      }
    }
  });
});

describe('the template', () => {
  test('can be created: nothing depends on itself', () => {
    const done = new Set<string>();
    const visit = (id: string, path: string[]) => {
      if (done.has(id)) return;
      expect(path, `a circle: ${[...path, id].join(' → ')}`).not.toContain(id);
      const resource = resources[id];
      for (const next of resource ? dependencies(resource) : []) visit(next, [...path, id]);
      done.add(id);
    };
    for (const id of Object.keys(resources)) visit(id, []);
    expect(done.size).toBe(Object.keys(resources).length);
  });

  test('refers to nothing that is not there', () => {
    for (const [id, { Properties, DependsOn = [] }] of Object.entries(resources)) {
      for (const to of [...references(Properties), ...[DependsOn].flat()]) {
        if (to !== 'AWS' && !to.startsWith('AWS::'))
          expect(resources, `${id} → ${to}`).toHaveProperty(to);
      }
    }
  });

  test('keeps the table and the credentials when the stack goes', () => {
    expect(resources.Table?.DeletionPolicy).toBe('Retain');
    expect(resources.CloudsSecret?.DeletionPolicy).toBe('Retain');
  });

  test('has the table as the stores need it', () => {
    expect(resources.Table?.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-at',
          KeySchema: [
            { AttributeName: 'by', KeyType: 'HASH' },
            { AttributeName: 'at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
  });

  test('is spoken to over TLS alone', () => {
    const denied = {
      ...{ Effect: 'Deny', Principal: '*' },
      Condition: { Bool: { 'aws:SecureTransport': expect.stringMatching(/^false$/) } },
    };
    const { PolicyDocument } = resources.Table?.Properties.ResourcePolicy ?? {};
    expect(PolicyDocument.Statement).toEqual([expect.objectContaining(denied)]);
    const [[, bucket] = []] = ofType('S3::BucketPolicy');
    expect(JSON.stringify(bucket?.Properties.PolicyDocument)).toMatch(/"Deny".*SecureTransport/);
    // Endpoints that AWS names take TLS 1.2 and later, and nothing on port 80; there are no others.
    for (const type of ['ApiGatewayV2::DomainName', 'ApiGateway::DomainName']) {
      expect(ofType(type)).toEqual([]);
    }
  });

  test('keeps no log for ever', () => {
    for (const [id, { Properties }] of ofType('Logs::LogGroup')) {
      expect(Properties.RetentionInDays, id).toBeGreaterThan(0);
    }
  });

  test('runs what looks after the world every minute, and lets no old run pile up', () => {
    const rules = ofType('Events::Rule')
      .filter(([, { Properties }]) => Properties.ScheduleExpression)
      .map(([, { Properties }]) => [
        ...[references(Properties.Targets)[0], Properties.ScheduleExpression],
      ]);
    expect(rules.sort()).toEqual([
      ['SweepOperationsLambdaFunction', 'rate(1 minute)'],
      ['SynchroniseWorldLambdaFunction', 'rate(1 minute)'],
    ]);
    const retries = ofType('Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties);
    expect(retries.map(({ MaximumRetryAttempts }) => MaximumRetryAttempts)).toEqual([0, 0, 0]);
  });

  /** The machines that bear operations: those whose executions are named after one. */
  const told = () =>
    functions().flatMap(({ environment }) =>
      Object.entries(environment)
        .filter(([key]) => key.endsWith('_MACHINE'))
        .map(([, arn]) => String(arn['Fn::Sub'])),
    );

  test('names its machines as the functions are told', () => {
    const names = ofType('StepFunctions::StateMachine').map(
      ([, one]) => one.Properties.StateMachineName,
    );
    expect(new Set(told()).size).toBe(4);
    for (const arn of new Set(told())) expect(names).toContain(arn.split(':').at(-1));
  });

  test('has a rule that catches every execution of an operation that dies without a last word', () => {
    const rules = ofType('Events::Rule')
      .map(([, { Properties }]) => Properties)
      .filter(({ EventPattern }) => EventPattern);
    expect(rules).toHaveLength(1);
    expect(references(rules[0].Targets)).toEqual(['CloseOperationLambdaFunction']);
    const { detail, ...pattern } = rules[0].EventPattern;
    expect(pattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
    });
    expect(detail.status).toEqual(['FAILED', 'TIMED_OUT', 'ABORTED']);
    const caught = detail.stateMachineArn.map((arn: Record<string, string>) => arn['Fn::Sub']);
    expect(caught.sort()).toEqual([...new Set(told())].sort());
  });

  test('fits into CloudFormation: 1 MB, 500 resources', () => {
    expect(JSON.stringify(packaged.template, undefined, 2).length).toBeLessThan(1_000_000);
    expect(Object.keys(resources).length).toBeLessThan(500);
  });
});
