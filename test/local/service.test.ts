import { join } from 'node:path';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../../lib/local/service.ts';
import { newFolder } from './starting.ts';

const options = {
  data: join(newFolder(), 'data'),
  simulator: { tenants: 2, servers: 3, imageMiB: 1, pace: 0 },
  waitScale: 0.02,
};

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

describe('the service in this process', () => {
  let service: Service;
  const reports: string[] = [];
  beforeAll(async () => {
    service = await startService({ ...options, report: (line) => reports.push(line) });
    await service.listed;
  });
  afterAll(() => service.stop());

  it('serves the world, and tells handlers where everything is', async () => {
    const world = (await (await fetch(`${service.url}/resources`)).json()) as {
      source: { tenants: unknown[] };
    };
    expect(world.source.tenants.length).toBeGreaterThan(1);
    expect(process.env).toMatchObject({
      TABLE_NAME: service.tableName,
      CLOUDS_FILE: service.cloudsFile,
      SOURCE_CLOUD: 'source',
      DESTINATION_CLOUD: 'destination',
      AWS_ENDPOINT_URL_DYNAMODB: service.databaseUrl,
      AWS_ENDPOINT_URL_SFN: service.stepFunctionsUrl,
      RESET_ENABLED: 'false',
    });
    expect(process.env).not.toHaveProperty('AWS_PROFILE');
  });

  it('takes no post of a foreign page at its state machines', async () => {
    const post = (headers: Record<string, string>) =>
      fetch(service.stepFunctionsUrl, {
        method: 'POST',
        headers: { 'x-amz-target': 'AWSStepFunctions.ListExecutions', ...headers },
        body: '{}',
      });
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({})).status).toBe(400);
  });

  it('starts the simulated clouds again where they were when they are killed', async () => {
    const source = service.clouds.authUrls.source ?? '';
    const before = service.clouds.pid?.() ?? 0;
    process.kill(before, 'SIGKILL');
    await expect.poll(() => service.clouds.pid?.(), { timeout: 30_000 }).not.toBe(before);
    await expect
      .poll(() => statusOf(source).catch(() => 0), { timeout: 30_000, interval: 100 })
      .toBe(200);
    expect(reports).toContain('the simulated clouds died and are started again');
  });

  it('gives back the environment when it stops, and can be started again', async () => {
    const { stepFunctionsUrl } = service;
    await service.stop();
    expect(process.env).not.toHaveProperty('CLOUDS_FILE');
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const client = new SFNClient({
      endpoint: stepFunctionsUrl,
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    });
    const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:x';
    await expect(client.send(new StartExecutionCommand({ stateMachineArn }))).rejects.toThrow();
    service = await startService(options);
    expect(await statusOf(`${service.url}/resources`)).toBe(200);
  });
});
