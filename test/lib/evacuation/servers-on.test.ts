import { describe, expect, test } from 'vitest';
import { serversOn } from '../../../lib/evacuation/evacuation.ts';
import type { Cloud } from '../../../lib/ports.ts';

const server = (id: string, host: string | null, task: string | null = null) => ({
  ...{ id, 'OS-EXT-SRV-ATTR:host': host, 'OS-EXT-STS:task_state': task },
});

const source = {
  async *list() {
    yield server('mine', 'h1');
    yield server('longer name', 'h10');
    yield server('longer domain', 'h1.example');
    yield server('shelved', null);
    yield server('going', 'h1', 'deleting');
    yield server('busy', 'h1', 'image_snapshot');
  },
} as unknown as Cloud;

describe('the servers of a host', () => {
  test('are those of exactly its name, without those being deleted', async () => {
    const servers = await serversOn({ host: 'h1', source });
    expect(servers.map(({ id }) => id)).toEqual(['mine', 'busy']);
  });
});
