import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../lib/config.ts';
import { type Package, packageService, type Resource } from './package.ts';
import { unzip } from './zip.ts';

let packaged: Package;
let resources: Record<string, Resource>;

const ofType = (type: string) =>
  Object.entries(resources).filter(([, { Type }]) => Type === `AWS::${type}`);

/** `pumphouse-dev-getEvents` → `getEvents`. */
const functions = () =>
  ofType('Lambda::Function').map(([id, { Properties }]) => ({
    id,
    name: String(Properties.FunctionName).replace(/^.*-/, ''),
    ...{ properties: Properties, environment: Properties.Environment.Variables },
  }));

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
}

const statements = (role: Resource): Statement[] =>
  role.Properties.Policies.flatMap(
    ({ PolicyDocument }: { PolicyDocument: { Statement: Statement[] } }) =>
      PolicyDocument.Statement,
  );

const roleOf = (id: string) => {
  const { Role } = resources[id]?.Properties ?? {};
  const role = resources[Role['Fn::GetAtt'][0]];
  if (!role) throw new Error(`${id} has no role`);
  return role;
};

/** The logical ids that a value refers to. */
const references = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!value || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') return [String(inner)];
    if (key === 'Fn::GetAtt') return [String([inner].flat()[0]).split('.')[0] ?? ''];
    if (key !== 'Fn::Sub') return references(inner);
    const [text, given] = [inner].flat();
    const named = String(text).matchAll(/\$\{(\w+)(?:\.\w+)?\}/g);
    return [...Array.from(named, ([, id]) => id ?? ''), ...references(given)];
  });
};

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
  test('may do named actions only', () => {
    for (const [id, role] of ofType('IAM::Role')) {
      const actions = statements(role).flatMap(({ Action }) => Action);
      expect(actions, id).not.toEqual([]);
      for (const action of actions) expect(action, id).toMatch(/^[a-z]+:[A-Za-z]+$/);
    }
  });

  test('may do them on named things only; of executions and schedules, whose names come later, on those of one machine or group', () => {
    for (const [id, role] of ofType('IAM::Role')) {
      for (const { Effect, Resource } of statements(role)) {
        expect(Effect).toBe('Allow');
        const texts = [Resource].flat().map((one) => JSON.stringify(one));
        for (const text of texts.filter((one) => one.includes('*'))) {
          expect(text, id).toMatch(
            /:(execution:pumphouse-dev-[a-z-]+:|schedule\/pumphouse-dev-evacuations\/)\*"\}$/,
          );
        }
      }
    }
  });

  test('of a function lets it write its own log, and is shared with no other group', () => {
    for (const { id, name } of functions()) {
      const logs = statements(roleOf(id)).filter(({ Action }) =>
        [Action].flat()[0]?.startsWith('logs:'),
      );
      const group = `${name.charAt(0).toUpperCase()}${name.slice(1)}LogGroup`;
      expect(resources, name).toHaveProperty(group);
      expect(references(logs), name).toContain(group);
    }
  });

  test('of who only reads cannot write', () => {
    for (const name of ['GetResources', 'GetEvents', 'StreamEvents']) {
      const actions = statements(roleOf(`${name}LambdaFunction`)).flatMap(({ Action }) => Action);
      expect(actions.filter((action) => action.startsWith('dynamodb:')).sort()).toEqual([
        'dynamodb:GetItem',
        'dynamodb:Query',
      ]);
    }
  });

  test('of the feed and of the queries cannot read the credentials of the clouds', () => {
    for (const name of ['GetResources', 'GetEvents', 'StreamEvents']) {
      expect(references(statements(roleOf(`${name}LambdaFunction`)))).not.toContain('CloudsSecret');
    }
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
    expect(passing.map(({ id }) => id).sort()).toEqual(['EvacuateHostCommandRole', 'SweepRole']);
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

  test('keeps no log for ever', () => {
    for (const [id, { Properties }] of ofType('Logs::LogGroup')) {
      expect(Properties.RetentionInDays, id).toBeGreaterThan(0);
    }
  });

  test('runs what looks after the world every minute, and lets no old run pile up', () => {
    const rules = ofType('Events::Rule').map(([, { Properties }]) => [
      ...[references(Properties.Targets)[0], Properties.ScheduleExpression],
    ]);
    expect(rules.sort()).toEqual([
      ['SweepOperationsLambdaFunction', 'rate(1 minute)'],
      ['SynchroniseWorldLambdaFunction', 'rate(1 minute)'],
    ]);
    const retries = ofType('Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties);
    expect(retries.map(({ MaximumRetryAttempts }) => MaximumRetryAttempts)).toEqual([0, 0, 0]);
  });

  test('names its machines as the functions are told', () => {
    const told = functions().flatMap(({ environment }) =>
      [environment.MIGRATE_TENANT_MACHINE, environment.EVACUATE_HOST_MACHINE].map(
        (arn) => String(arn['Fn::Sub']).split(':').at(-1) ?? '',
      ),
    );
    const names = ofType('StepFunctions::StateMachine').map(
      ([, one]) => one.Properties.StateMachineName,
    );
    for (const name of new Set(told)) expect(names).toContain(name);
  });
});
