import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Package, packageService } from './package.ts';
import { functionsOf, grantsOf, roleOf, statements } from './template.ts';

let packaged: Package;

beforeAll(async () => {
  packaged = await packageService({
    ...{ subnets: 'subnet-0a,subnet-0b', securityGroups: 'sg-01' },
    cloudConcurrency: '3',
  });
}, 900_000);

afterAll(() => packaged.remove());

const functions = () => {
  const { Resources } = packaged.template;
  return functionsOf(Resources).map((one) => {
    const role = roleOf(Resources, one.id);
    return { ...one, role, callsClouds: grantsOf(role).includes('readClouds') };
  });
};

describe('clouds that are not public', () => {
  test('are called from the subnets that are given, by who calls clouds and by nobody else', () => {
    const VpcConfig = { SubnetIds: ['subnet-0a', 'subnet-0b'], SecurityGroupIds: ['sg-01'] };
    for (const { name, properties, callsClouds } of functions()) {
      if (callsClouds) expect(properties, name).toMatchObject({ VpcConfig });
      else expect(properties, name).not.toHaveProperty('VpcConfig');
    }
  });

  test('leave the feed outside, which could not stream from within', () => {
    const feed = functions().find(({ name }) => name === 'streamEvents');
    expect(feed?.callsClouds).toBe(false);
  });

  test('are the one case of actions that take no name, and a code that is denied them', () => {
    for (const { name, role, properties, callsClouds } of functions()) {
      const wild = statements(role).filter(({ Resource }) => Resource === '*');
      if (!callsClouds) {
        expect(wild, name).toEqual([]);
        continue;
      }
      const [allowed, denied] = wild;
      expect(wild.map(({ Effect }) => Effect)).toEqual(['Allow', 'Deny']);
      expect(denied?.Action).toEqual(allowed?.Action);
      for (const action of [allowed?.Action].flat()) {
        expect(action).toMatch(/^ec2:(Create|Describe|Delete|Assign|Unassign)[A-Za-z]+$/);
      }
      expect(JSON.stringify(denied?.Condition)).toContain(`:function:${properties.FunctionName}"`);
    }
  });

  test('are called by as many at once as the parameter says', () => {
    for (const { name, properties, callsClouds } of functions()) {
      if (!callsClouds || /^(sweepOperations|synchroniseWorld)$/.test(name)) continue;
      expect(properties.ReservedConcurrentExecutions, name).toBe(3);
    }
  });
});
