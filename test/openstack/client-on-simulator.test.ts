/** The simulated clouds of `npm start` answer the real OpenStack client as real clouds do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type RunningService, runningService } from '../support/running-service.ts';
import { exerciseClient } from './client-exercise.ts';

let data: string;
let service: RunningService;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'pumphouse-simulated-'));
  service = await runningService('--data', data);
});

afterAll(async () => {
  await service?.stop();
  await rm(data, { recursive: true, force: true });
});

describe.each(['source', 'destination'])(
  'the OpenStack client on the simulated %s lists, shows, creates and deletes',
  (cloud) => {
    exerciseClient(() => join(data, 'clouds.yaml'), cloud);
  },
);
