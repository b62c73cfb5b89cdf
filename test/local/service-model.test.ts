import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { functionArn } from '../../lib/local/functions.ts';
import { resolveServiceFile } from '../../lib/local/service-file.ts';
import { type ServiceModel, serviceModel } from '../../lib/local/service-model.ts';

const ROOT = join(import.meta.dirname, 'fixtures/service');
const functionUrl = (key: string) => `http://127.0.0.1:1/lambda-url/${key}/`;

describe('the service file', () => {
  let model: ServiceModel;
  beforeAll(async () => {
    model = serviceModel(await resolveServiceFile(ROOT));
  });

  it('says which functions there are, and their limits', () => {
    expect(model.functions).toEqual([
      {
        key: 'greet',
        name: 'fixture-dev-greet',
        handler: 'functions/greet.handler',
        timeout: 10,
        memoryMiB: 256,
      },
      {
        key: 'feed',
        name: 'fixture-dev-feed',
        handler: 'functions/feed.handler',
        timeout: 29,
        memoryMiB: 1024,
      },
    ]);
  });

  it('says which requests and times they answer to', () => {
    expect(model.routes).toEqual([
      { method: 'GET', path: '/greet', functionKey: 'greet' },
      { method: 'POST', path: '/greet/{name}', functionKey: 'greet' },
    ]);
    expect(model.urls).toEqual(['feed']);
    expect(model.schedules).toEqual([
      { functionKey: 'greet', expression: 'rate(5 minutes)' },
      { functionKey: 'greet', expression: 'cron(0 3 * * ? *)', input: { deep: true } },
    ]);
  });

  it('gives the environment of all functions with its references resolved', () => {
    const arn = 'arn:aws:states:us-east-1:000000000000:stateMachine:fixture-greet';
    expect(model.environment(model.names(functionUrl))).toEqual({
      TABLE_NAME: 'fixture-dev',
      KEEP_DAYS: '30',
      MACHINE: arn,
      MACHINE_BY_NAME: arn,
      JOINED: 'fixture-dev/index',
      FEED_URL: functionUrl('feed'),
    });
  });

  it('gives the machines with their substitutions, and the table', () => {
    const [machine] = model.machines(model.names(functionUrl));
    expect(machine?.name).toBe('fixture-greet');
    expect(machine?.definition.States.Greet?.Parameters).toMatchObject({
      FunctionName: functionArn('greet'),
    });
    expect(model.table).toMatchObject({
      TableName: 'fixture-dev',
      TimeToLiveSpecification: { AttributeName: 'expires' },
    });
  });

  it('is resolved anew when an included file changes', async () => {
    const root = mkdtempSync(join(tmpdir(), 'pumphouse-service-'));
    cpSync(ROOT, root, { recursive: true });
    await resolveServiceFile(root);
    const greet = { handler: 'functions/other.handler' };
    writeFileSync(join(root, 'functions/all.yml'), JSON.stringify({ greet }));
    const again = serviceModel(await resolveServiceFile(root));
    expect(again.functions.map(({ handler }) => handler)).toEqual(['functions/other.handler']);
  });

  it('that is wrong is refused with what the tool says', async () => {
    const root = mkdtempSync(join(tmpdir(), 'pumphouse-service-'));
    writeFileSync(join(root, 'serverless.yml'), 'service: a\nprovider: nobody\n');
    await expect(resolveServiceFile(root)).rejects.toThrow(/serverless\.yml cannot be resolved/);
  });
});
