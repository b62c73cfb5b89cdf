/**
 * Gives each function a role of its own, made of what its `may` names in `functions/grants.yml`
 * (ADR 0011). Who may read the clouds' credentials calls the clouds: such a function also gets the
 * subnets of the VPC, where some are given, and a limit on how many of it run at once.
 */

const TRUST = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
};

/**
 * What Lambda itself does in the name of a function in a VPC; these actions name no resource, so the
 * code of the function is denied them.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
const NETWORK = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

const network = (name) => [
  { Effect: 'Allow', Action: NETWORK, Resource: '*' },
  {
    Effect: 'Deny',
    Action: NETWORK,
    Resource: '*',
    Condition: {
      ArnEquals: {
        'lambda:SourceFunctionArn': {
          'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${name}`,
        },
      },
    },
  },
];

/** One statement for all that is allowed on the same thing. */
const merged = (statements) => {
  const byResource = new Map();
  for (const { Action, ...rest } of statements) {
    const key = JSON.stringify(rest);
    const known = byResource.get(key)?.Action ?? [];
    byResource.set(key, { ...rest, Action: [...known, ...[Action].flat()] });
  }
  return [...byResource.values()];
};

const listOf = (text) =>
  String(text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);

const vpcOf = ({ subnets, securityGroups }) => {
  const [subnetIds, securityGroupIds] = [listOf(subnets), listOf(securityGroups)];
  if (subnetIds.length === 0 && securityGroupIds.length === 0) return undefined;
  if (subnetIds.length > 0 && securityGroupIds.length > 0) return { subnetIds, securityGroupIds };
  throw new Error('The parameters subnets and securityGroups go together');
};

/** How many of it may run at once; nothing for as many as the account allows. */
const concurrencyOf = (text) => {
  if (text === 'none') return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(
    `The parameter cloudConcurrency is ${text}; it takes a whole number above 0, or none`,
  );
};

/** One that has a lower limit of its own keeps it; where none is wanted, none has one. */
const limit = (entry, most) => {
  if (most) entry.reservedConcurrency = Math.min(entry.reservedConcurrency ?? most, most);
  else delete entry.reservedConcurrency;
};

export default class Roles {
  constructor(serverless) {
    this.service = serverless.service;
    this.naming = () => serverless.getProvider('aws').naming;
    const may = { type: 'array', items: { type: 'string' }, minItems: 1 };
    serverless.configSchemaHandler.defineFunctionProperties('aws', { properties: { may } });
    this.hooks = { 'before:package:initialize': () => this.give() };
  }

  give() {
    const { custom, resources } = this.service;
    const vpc = vpcOf(custom.network);
    const concurrency = concurrencyOf(custom.cloudConcurrency);
    for (const key of this.service.getAllFunctions()) {
      const entry = this.service.getFunction(key);
      if (!entry.may) continue;
      const callsClouds = entry.may.includes('readClouds');
      const id = `${this.naming().getNormalizedFunctionName(key)}FunctionRole`;
      const statements = [...this.statements(key, entry), ...this.log(key)];
      if (callsClouds && vpc) {
        entry.vpc = vpc;
        statements.push(...network(entry.name));
      }
      if (callsClouds) limit(entry, concurrency);
      entry.role = id;
      resources.Resources[id] = {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: TRUST,
          Policies: [
            {
              PolicyName: key,
              PolicyDocument: { Version: '2012-10-17', Statement: statements },
            },
          ],
        },
      };
    }
  }

  statements(key, { may }) {
    const { grants } = this.service.custom;
    return merged(
      may.flatMap((name) => {
        if (grants[name]) return grants[name];
        throw new Error(`${key} may ${name}, which functions/grants.yml does not know`);
      }),
    );
  }

  log(key) {
    const group = { 'Fn::GetAtt': [this.naming().getLogGroupLogicalId(key), 'Arn'] };
    return [
      { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: group },
    ];
  }
}
