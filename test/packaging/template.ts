/** Looks into a packaged template. */
import type { Resource } from './package.ts';

export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

export interface PackagedFunction {
  id: string;
  /** As serverless.yml has it: `getEvents`. */
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is looked at from all sides.
  properties: any;
  // biome-ignore lint/suspicious/noExplicitAny: values are texts or references.
  environment: Record<string, any>;
}

type Resources = Record<string, Resource>;

export const ofType = (resources: Resources, type: string) =>
  Object.entries(resources).filter(([, { Type }]) => Type === `AWS::${type}`);

export const functionsOf = (resources: Resources): PackagedFunction[] =>
  ofType(resources, 'Lambda::Function').map(([id, { Properties }]) => ({
    id,
    name: String(Properties.FunctionName).replace(/^.*-/, ''),
    ...{ properties: Properties, environment: Properties.Environment.Variables },
  }));

export const statements = (role: Resource): Statement[] =>
  role.Properties.Policies.flatMap(
    ({ PolicyDocument }: { PolicyDocument: { Statement: Statement[] } }) =>
      PolicyDocument.Statement,
  );

export const roleIdOf = (resources: Resources, id: string): string =>
  resources[id]?.Properties.Role['Fn::GetAtt'][0];

export const roleOf = (resources: Resources, id: string): Resource => {
  const role = resources[roleIdOf(resources, id)];
  if (!role) throw new Error(`${id} has no role`);
  return role;
};

/** The logical ids that a value refers to. */
export const references = (value: unknown): string[] => {
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

/** What needs a name of its own in a grant, by what the statement says. */
const GRANTS: Record<string, (resource: string) => string> = {
  'dynamodb:GetItem': () => 'getItem',
  'dynamodb:Query': (resource) => (resource.includes('/index/') ? 'queryIndex' : 'query'),
  'dynamodb:PutItem': () => 'putItem',
  'dynamodb:UpdateItem': () => 'updateItem',
  'dynamodb:DeleteItem': () => 'deleteItem',
  'dynamodb:BatchWriteItem': () => 'batchWriteItem',
  'secretsmanager:GetSecretValue': (resource) =>
    resource.includes('CloudsSecret') ? 'readClouds' : 'readTicketKey',
  'states:StartExecution': () => 'startMachine',
  'states:DescribeExecution': () => 'describeExecution',
  'scheduler:CreateSchedule': () => 'makeSchedule',
  'iam:PassRole': () => 'makeSchedule',
  'scheduler:DeleteSchedule': () => 'deleteSchedule',
};

/** What a function's role lets it do, in the words of `grants.ts`; its own log is understood. */
export const grantsOf = (role: Resource): string[] => {
  const granted = statements(role).flatMap(({ Action, Resource }) =>
    [Action].flat().map((action) => GRANTS[action]?.(JSON.stringify(Resource)) ?? action),
  );
  return [...new Set(granted)].filter((one) => !one.startsWith('logs:')).sort();
};
